import Foundation
import OrepaImage
import TestSupport
import Testing

@Suite struct PreprocessTests {
    static let pictures: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: fixture("images"))) ?? []
        return names.filter { $0.hasSuffix(".expected.png") }
            .map { String($0.dropLast(".expected.png".count)) }.sorted()
    }()

    @Test(arguments: pictures) func writesTheExpectedCrop(name: String) throws {
        let result = try Program.run([
            "preprocess", fixture("images/" + name), "--preset", "imagenet", "--output", "-",
        ])
        #expect(result.status == 0)
        let expected = try Data(
            contentsOf: URL(fileURLWithPath: fixture("images/\(name).expected.png")))
        #expect(
            try ImageDecoder.decode([UInt8](result.output)).image
                == ImageDecoder.decode([UInt8](expected)).image)
    }

    @Test func thereArePictures() { #expect(PreprocessTests.pictures.count >= 29) }

    @Test func usesTheModelsPreprocessing() throws {
        let folder = try TemporaryFolder()
        let output = folder.file("crop.png")
        let arguments = ["preprocess", boot, "--model", try Models.repVGG(), "--output", output]
        #expect(try Program.run(arguments).status == 0)
        let picture = try ImageDecoder.decode(
            [UInt8](Data(contentsOf: URL(fileURLWithPath: output)))
        ).image
        #expect(picture.width == 64 && picture.height == 64)
        #expect(folder.names == ["crop.png"])
    }

    @Test func failures() throws {
        let folder = try TemporaryFolder()
        let output = folder.file("crop.png")
        #expect(try Program.run(["preprocess", "none.jpg", "--output", output]).status == 1)
        #expect(try Program.run(["preprocess", boot]).status == 64)
        let both = ["preprocess", boot, "-o", output, "--model", "m", "--preset", "imagenet"]
        #expect(try Program.run(both).status == 64)
        #expect(
            try Program.run(["preprocess", boot, "-o", folder.file("no/such.png")]).status == 73)
        #expect(folder.names == [])
        let copy = folder.file("boot.jpg")
        try FileManager.default.copyItem(atPath: boot, toPath: copy)
        let over = try Program.run(["preprocess", copy, "--output", copy])
        #expect(over.status == 73)
        #expect(over.errors.contains("it is the input"))
        #expect(FileManager.default.contentsEqual(atPath: boot, andPath: copy))
    }
}
