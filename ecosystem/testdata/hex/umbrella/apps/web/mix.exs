defmodule Web.MixProject do
  defp deps do
    [
      {:phoenix, "~> 1.7"},
      {:company, "~> 1.0", organization: "acme"},
      {:floki, ">= 0.30.0", only: :test}
    ]
  end
end
