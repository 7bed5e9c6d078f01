// swift-tools-version: 6.1
import PackageDescription

// A target lists every module that it is built on, those that it knows through others too: SwiftPM builds anew what
// depends on a changed module directly.
let tensorFiles: [Target.Dependency] = [
    "OrepaSafetensors", "OrepaJSON", "OrepaFiles", "OrepaSystem",
]
let network = tensorFiles + ["OrepaNetwork"]
let plan = network + ["OrepaPlan", "OrepaThreads"]
let runTime = plan + ["OrepaImage", "Orepa"]
let training = network + ["OrepaTraining", "OrepaCheckpoint"]
let conversion: [Target.Dependency] = [
    "OrepaConversion", "OrepaFold", "OrepaTraining", "OrepaCheckpoint",
]

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
            name: "OrepaSafetensors", dependencies: ["OrepaJSON", "OrepaFiles", "OrepaSystem"]),
        .target(name: "OrepaNetwork", dependencies: tensorFiles),
        .target(
            name: "OrepaPlan",
            dependencies: network + ["OrepaThreads", "COrepaKernels", "CLinuxThreads"]),
        .target(name: "OrepaImage", dependencies: ["COrepaImage", "OrepaSystem"]),
        .target(name: "Orepa", dependencies: plan + ["OrepaImage", "CLinuxThreads"]),

        // The C interface, which tools/build/build-library links into liborepa.so.
        .target(name: "COrepa", exclude: ["orepa.map"]),
        .target(name: "OrepaC", dependencies: runTime + ["COrepa"]),

        // Conversion, offline: nothing above imports these.
        .target(name: "OrepaCheckpoint", dependencies: tensorFiles + ["CZlib"]),
        .target(name: "OrepaTraining", dependencies: network + ["OrepaCheckpoint"]),
        .target(name: "OrepaFold", dependencies: training + ["CConversionLibraries"]),
        .target(
            name: "OrepaConversion",
            dependencies: plan + [
                "OrepaFold", "OrepaTraining", "OrepaCheckpoint", "CConversionLibraries",
            ]),

        .executableTarget(
            name: "orepa-infer",
            dependencies: runTime + conversion + [
                "CEmbeddedData", "CProcess",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .target(name: "TestSupport", dependencies: network, path: "Tests/TestSupport"),
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        .target(name: "CHostCalls", path: "Tests/CHostCalls"),
        .executableTarget(
            name: "EmbeddingProbe",
            dependencies: runTime + ["OrepaC", "COrepa", "CAllocationCounter", "CHostCalls"],
            path: "Tests/EmbeddingProbe"),
        .executableTarget(
            name: "EmbeddingCost", dependencies: runTime + ["OrepaC", "COrepa"],
            path: "Tests/EmbeddingCost"),
        .testTarget(name: "OrepaFilesTests", dependencies: network + ["TestSupport"]),
        .testTarget(name: "OrepaJSONTests", dependencies: network + ["TestSupport"]),
        .testTarget(name: "OrepaSafetensorsTests", dependencies: network + ["TestSupport"]),
        .testTarget(name: "OrepaNetworkTests", dependencies: network + ["TestSupport"]),
        .testTarget(
            name: "OrepaThreadsTests",
            dependencies: network + ["OrepaThreads", "CLinuxThreads", "CHostCalls", "TestSupport"]
        ),
        .testTarget(name: "OrepaPlanTests", dependencies: plan + ["CHostCalls", "TestSupport"]),
        .testTarget(
            name: "OrepaImageTests",
            dependencies: network + ["OrepaImage", "CConversionLibraries", "TestSupport"]),
        .testTarget(
            name: "OrepaTests",
            dependencies: runTime + ["EmbeddingProbe", "orepa-infer", "CHostCalls", "TestSupport"]
        ),
        .testTarget(
            name: "OrepaCheckpointTests",
            dependencies: network + ["OrepaCheckpoint", "TestSupport"]),
        .testTarget(name: "OrepaTrainingTests", dependencies: training + ["TestSupport"]),
        .testTarget(
            name: "OrepaFoldTests",
            dependencies: training + ["OrepaFold", "CConversionLibraries", "TestSupport"]),
        .testTarget(
            name: "OrepaConversionTests",
            dependencies: runTime + conversion + ["CConversionLibraries", "TestSupport"]),
        .testTarget(
            name: "CommandLineTests",
            dependencies: runTime + conversion + ["orepa-infer", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)

// Only for tools/build/build-documentation: whoever embeds the library needs no documentation compiler.
if Context.environment["OREPA_DOCUMENTATION"] != nil {
    package.dependencies.append(
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
