/// The checkpoints under Tests/Fixtures/checkpoints.
public enum CheckpointFixture {
    /// Path of `Tests/Fixtures/checkpoints/<name>`.
    public static func path(_ name: String) -> String {
        fixture("checkpoints/\(name)")
    }

    /// The checkpoints that are not folded, by file name, and the name of each one's golden file.
    public static let training: [(file: String, golden: String)] = [
        "repvgg-base.legacy.pth", "repvgg-dbb.safetensors", "repvgg-orepa_vgg-fp16.half.pth",
        "repvgg-orepa_vgg.pth.tar", "repvgg-repvgg.pth", "resnet_basic-base.legacy.pth",
        "resnet_basic-dbb.pth", "resnet_basic-orepa.pth.tar", "resnet_bottleneck-dbb.safetensors",
        "resnet_bottleneck-orepa.pth.tar", "resnext_g32-orepa.safetensors", "resnext_g4-orepa.pth",
        "resnext_g8-dbb.pth", "resnext_g8-orepa.pth.tar",
    ].map { ($0, golden($0)) }

    /// The checkpoint that is folded already.
    public static let deployed = (
        file: "repvgg-orepa_vgg-deployed.pth", golden: golden("repvgg-orepa_vgg-deployed.pth")
    )

    /// All of them, by file name.
    public static let all: [String] = training.map(\.file) + [deployed.file]

    /// Name of a checkpoint's golden file: `repvgg-base.legacy.pth` has `repvgg-base.golden.safetensors`.
    public static func golden(_ file: String) -> String {
        String(file.prefix { $0 != "." }) + ".golden.safetensors"
    }
}
