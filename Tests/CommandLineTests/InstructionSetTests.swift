import TestSupport
import Testing

@Suite struct InstructionSetTests {
    private static let picture = repositoryFile(
        "models/fashion-mnist-repvgg/samples/ankle-boot.jpg")

    @Test func everySetGivesTheSameAnswer() throws {
        var answers: Set<String> = []
        for name in ["", "portable", "neon", "avx2", "avx512"] {
            let result = try Program.run(
                [InstructionSetTests.picture, "--format", "json"], environment: ["OREPA_ISA": name])
            #expect(result.status == 0)
            #expect(result.errors == "")
            answers.insert(result.text)
        }
        #expect(answers.count == 1)
    }

    @Test func anUnknownSetIsWrongUsage() throws {
        let result = try Program.run(
            [InstructionSetTests.picture], environment: ["OREPA_ISA": "sse9"])
        #expect(result.status == 64)
        #expect(result.text == "")
        #expect(
            result.errors.hasPrefix(
                "Error: OREPA_ISA: expected avx512, avx2, neon or portable, found sse9\n"))
        let help = try Program.run(["--help"], environment: ["OREPA_ISA": "sse9"])
        #expect(help.status == 0)
    }
}
