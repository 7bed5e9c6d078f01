import OrepaCheckpoint
import OrepaSafetensors
import TestSupport
import Testing

@Suite struct FixtureTests {
    @Test(arguments: [
        ("repvgg-base.legacy.pth", Checkpoint.Format.legacy, "state_dict" as String?),
        ("repvgg-repvgg.pth", .zip, "state_dict" as String?),
        ("repvgg-orepa_vgg.pth.tar", .zip, "state_dict" as String?),
        ("resnext_g32-orepa.safetensors", .safetensors, nil),
    ])
    func opens(name: String, format: Checkpoint.Format, location: String?) throws {
        let checkpoint = try Checkpoint(path: fixture("checkpoints/\(name)"))
        print(name, checkpoint.location as Any, checkpoint.tensors.count, checkpoint.arch as Any)
        print(checkpoint.tensors[0].name, try checkpoint.tensors[0].doubles().prefix(4))
        #expect(checkpoint.format == format)
    }
}
