// swift-tools-version:5.9
import PackageDescription
let package = Package(
    name: "Shop",
    dependencies: [
        // .package(url: "https://git.example/commented/out.git", from: "1.0.0"),
        .package(url: "https://git.example/apple/swift-nio.git", from: "2.0.0"),
        .package(
            url: "https://git.example/vapor/vapor",
            .upToNextMajor(from: "4.0.0")
        ),
    ]
)
