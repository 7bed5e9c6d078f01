// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "orepa",
    products: [
        .library(
            name: "Orepa",
            targets: [
                "Orepa", "OrepaImage", "OrepaPlan", "OrepaNetwork", "OrepaSafetensors",
                "OrepaJSON", "OrepaFiles", "OrepaThreads", "OrepaSystem",
            ]),
        .library(name: "OrepaC", type: .static, targets: ["OrepaC"]),
        .executable(name: "orepa-infer", targets: ["orepa-infer"]),
        // For Tests/Fuzz, which is a package of its own.
        .library(
            name: "OrepaConversion",
            targets: [
                "OrepaCheckpoint", "OrepaTraining", "OrepaFold", "OrepaConversion", "CEmbeddedData",
                "CProcess",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        // System libraries and the C that they need. A target below imports only targets above it.
        .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "COrepaImage", dependencies: ["CJPEG", "CPNG", "CZlib"]),
        .target(name: "COrepaKernels", exclude: ["kernels.inc"]),
        .target(name: "CLinuxThreads"),
        .target(name: "CEmbeddedData"),
        .target(name: "CConversionLibraries"),
        .target(name: "CProcess"),

        // Run time.
        .target(name: "OrepaSystem", dependencies: ["CLinuxThreads"]),
        .target(name: "OrepaThreads", dependencies: ["CLinuxThreads", "OrepaSystem"]),
        .target(name: "OrepaFiles", dependencies: ["OrepaSystem"]),
        .target(name: "OrepaJSON", dependencies: ["OrepaFiles", "OrepaSystem"]),
        .target(
            name: "OrepaSafetensors", dependencies: ["OrepaFiles", "OrepaJSON", "OrepaSystem"]),
        .target(name: "OrepaNetwork", dependencies: ["OrepaSafetensors", "OrepaSystem"]),
        .target(
            name: "OrepaPlan",
            dependencies: ["OrepaNetwork", "COrepaKernels", "OrepaThreads", "OrepaSystem"]),
        .target(name: "OrepaImage", dependencies: ["COrepaImage", "OrepaSystem"]),
        .target(
            name: "Orepa",
            dependencies: ["OrepaNetwork", "OrepaPlan", "OrepaImage", "CLinuxThreads"]),

        // The C interface, which tools/build/build-library links into liborepa.so.
        .target(name: "COrepa", exclude: ["orepa.map"]),
        .target(name: "OrepaC", dependencies: ["Orepa", "COrepa", "OrepaSystem"]),

        // Conversion, offline: nothing above imports these.
        .target(
            name: "OrepaCheckpoint",
            dependencies: ["OrepaSafetensors", "OrepaFiles", "OrepaSystem", "CZlib"]),
        .target(
            name: "OrepaTraining",
            dependencies: [
                "OrepaCheckpoint", "OrepaNetwork", "OrepaSafetensors", "OrepaFiles",
            ]),
        .target(
            name: "OrepaFold",
            dependencies: [
                "OrepaTraining", "OrepaCheckpoint", "OrepaNetwork", "OrepaFiles",
                "CConversionLibraries",
            ]),
        .target(
            name: "OrepaConversion",
            dependencies: [
                "OrepaFold", "OrepaTraining", "OrepaCheckpoint", "OrepaPlan", "OrepaNetwork",
                "OrepaSafetensors", "OrepaFiles", "OrepaSystem", "CConversionLibraries",
            ]),

        .executableTarget(
            name: "orepa-infer",
            dependencies: [
                "Orepa", "OrepaConversion", "OrepaFold", "OrepaTraining", "OrepaCheckpoint",
                "OrepaImage", "OrepaPlan", "OrepaNetwork", "OrepaSafetensors", "OrepaJSON",
                "OrepaFiles", "OrepaSystem", "CEmbeddedData", "CProcess",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .target(
            name: "TestSupport", dependencies: ["OrepaSafetensors", "OrepaNetwork"],
            path: "Tests/TestSupport"),
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        .target(name: "CHostCalls", path: "Tests/CHostCalls"),
        .executableTarget(
            name: "EmbeddingProbe",
            dependencies: ["Orepa", "OrepaC", "COrepa", "CAllocationCounter", "CHostCalls"],
            path: "Tests/EmbeddingProbe"),
        .executableTarget(
            name: "EmbeddingCost", dependencies: ["OrepaC", "COrepa", "OrepaPlan", "OrepaNetwork"],
            path: "Tests/EmbeddingCost"),
        .testTarget(name: "OrepaFilesTests", dependencies: ["OrepaFiles", "TestSupport"]),
        .testTarget(name: "OrepaJSONTests", dependencies: ["OrepaJSON", "TestSupport"]),
        .testTarget(
            name: "OrepaSafetensorsTests", dependencies: ["OrepaSafetensors", "TestSupport"]),
        .testTarget(name: "OrepaNetworkTests", dependencies: ["OrepaNetwork", "TestSupport"]),
        .testTarget(
            name: "OrepaThreadsTests",
            dependencies: ["OrepaThreads", "CLinuxThreads", "CHostCalls", "TestSupport"]),
        .testTarget(
            name: "OrepaPlanTests", dependencies: ["OrepaPlan", "CHostCalls", "TestSupport"]),
        .testTarget(
            name: "OrepaImageTests",
            dependencies: ["OrepaImage", "CConversionLibraries", "TestSupport"]),
        .testTarget(
            name: "OrepaTests",
            dependencies: ["Orepa", "EmbeddingProbe", "orepa-infer", "CHostCalls", "TestSupport"]),
        .testTarget(
            name: "OrepaCheckpointTests", dependencies: ["OrepaCheckpoint", "TestSupport"]),
        .testTarget(
            name: "OrepaTrainingTests",
            dependencies: ["OrepaTraining", "OrepaCheckpoint", "OrepaNetwork", "TestSupport"]),
        .testTarget(
            name: "OrepaFoldTests",
            dependencies: [
                "OrepaFold", "OrepaTraining", "OrepaCheckpoint", "OrepaNetwork", "OrepaPlan",
                "TestSupport",
            ]),
        .testTarget(
            name: "OrepaConversionTests",
            dependencies: [
                "OrepaConversion", "OrepaFold", "OrepaTraining", "OrepaCheckpoint",
                "OrepaNetwork", "OrepaPlan", "Orepa", "TestSupport",
            ]),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "orepa-infer", "OrepaImage", "OrepaNetwork", "OrepaPlan", "TestSupport",
            ]),
    ],
    swiftLanguageModes: [.v6]
)

// Only for tools/build/build-documentation: whoever embeds the library needs no documentation compiler.
if Context.environment["OREPA_DOCUMENTATION"] != nil {
    package.dependencies.append(
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
