let package = Package(name: "Lib", dependencies: [
    .package(url: "https://git.example/a/exact.git", exact: "1.2.3"),
    .package(url: "https://git.example/a/old.git", .exact("1.2.4")),
    .package(url: "https://git.example/a/range.git", from: "2.0.0"),
    .package(url: "https://git.example/a/pinned", revision: "0123456789abcdef0123456789abcdef01234567"),
    .package(path: "../near"),
])
