Gem::Specification.new do |spec|
  spec.name = "widget"
  spec.add_dependency "zeitwerk", "~> 2.6"
  spec.add_development_dependency("rake", ">= 13")
end
