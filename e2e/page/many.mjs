// Writes a saved result with as many findings as asked for: those of a real one over and over, each in a file of its own.
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';

const [, , file, most] = process.argv;
const result = JSON.parse(readFileSync(file, 'utf8'));
const real = result.findings;
result.findings = [];
for (let i = 0; i < Number(most); i++) {
  const finding = structuredClone(real[i % real.length]);
  finding.location.path = `services/${Math.floor(i / real.length)}/${finding.location.path}`;
  finding.fingerprint = createHash('sha256').update(finding.fingerprint + i).digest('hex').slice(0, 32);
  result.findings.push(finding);
}
process.stdout.write(JSON.stringify(result));
