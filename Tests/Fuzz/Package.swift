// swift-tools-version: 6.1
import PackageDescription

// Built by tools/fuzz, which adds the sanitizers, and lets the targets see what orepa's own see; a package of its own,
// so that nobody else builds it.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "orepa", path: "../..")],
    targets: [
        .target(name: "CFuzzer"),
        // What of the command line reads files and prints what they hold: its own sources by a link, since no package
        // can import another's program.
        .target(
            name: "OrepaInfer",
            dependencies: [
                .product(name: "Orepa", package: "orepa"),
                .product(name: "OrepaConversion", package: "orepa"),
            ],
            exclude: [
                "Commands", "Input/PictureArguments.swift", "Input/PictureStream.swift",
                "Input/RawPath+Arguments.swift", "Main.swift", "Output/AnswerPrinter.swift",
            ],
            packageAccess: false),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "CFuzzer", "OrepaInfer",
                .product(name: "Orepa", package: "orepa"),
                .product(name: "OrepaConversion", package: "orepa"),
            ],
            packageAccess: false),
    ],
    swiftLanguageModes: [.v6]
)
