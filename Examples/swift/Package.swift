// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "examples",
    dependencies: [
        .package(name: "orepa", path: "../.."),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "classify", dependencies: [.product(name: "Orepa", package: "orepa")]),
        .executableTarget(
            name: "features", dependencies: [.product(name: "Orepa", package: "orepa")]),
        .executableTarget(
            name: "classification-service",
            dependencies: [
                .product(name: "Orepa", package: "orepa"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
