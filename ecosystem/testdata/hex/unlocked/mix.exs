defmodule Lib.MixProject do
  def project, do: [app: :lib, deps: deps()]
  defp deps do
    [
      {:plug, "1.15.0"},
      {:jason, "~> 1.0"},
      {:forked, git: "https://git.example/forked"},
      {:near, path: "../near"},
      {:credo, "== 1.7.0", only: :dev}
    ]
  end
end
