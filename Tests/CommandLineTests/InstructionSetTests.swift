import TestSupport
import Testing

@Suite struct InstructionSetTests {
    private static let picture = repositoryFile(
        "models/fashion-mnist-repvgg/samples/ankle-boot.jpg")

    /// What this architecture has, and what only another one has.
    #if arch(x86_64)
        private static let names = ["avx2", "avx512"]
        private static let expected = "avx512, avx2 or portable"
        private static let foreign = "neon"
    #else
        private static let names = ["neon"]
        private static let expected = "neon or portable"
        private static let foreign = "avx2"
    #endif

    @Test func everySetGivesTheSameAnswer() throws {
        var answers: Set<String> = []
        for name in ["", "portable"] + InstructionSetTests.names {
            let result = try Program.run(
                [InstructionSetTests.picture, "--format", "json"], environment: ["OREPA_ISA": name])
            #expect(result.status == 0)
            #expect(result.errors == "")
            answers.insert(result.text)
        }
        #expect(answers.count == 1)
    }

    @Test(arguments: ["sse9", foreign]) func anUnknownSetIsWrongUsage(name: String) throws {
        let result = try Program.run(
            [InstructionSetTests.picture], environment: ["OREPA_ISA": name])
        #expect(result.status == 64)
        #expect(result.text == "")
        #expect(
            result.errors.hasPrefix(
                "Error: OREPA_ISA: expected \(InstructionSetTests.expected), found \(name)\n"))
        let help = try Program.run(["--help"], environment: ["OREPA_ISA": "sse9"])
        #expect(help.status == 0)
    }
}
