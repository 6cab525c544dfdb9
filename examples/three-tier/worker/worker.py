"""Renders queued invoices as HTML and hands them to the mail service."""

import os
import sys

import jinja2
import requests
import yaml


def render(template: str, invoice: dict) -> str:
    return jinja2.Environment(autoescape=True).from_string(template).render(invoice=invoice)


def main() -> int:
    with open(os.environ["WORKER_CONFIG"], encoding="utf-8") as f:
        config = yaml.load(f, Loader=yaml.FullLoader)
    queue = requests.get(f"{config['api']}/queue", timeout=10)
    queue.raise_for_status()
    for invoice in queue.json():
        page = render(config["template"], invoice)
        requests.post(config["mail"], data=page.encode(), timeout=10).raise_for_status()
    return 0


if __name__ == "__main__":
    sys.exit(main())
