import OrepaPlan
import Testing

@Suite struct InstructionSetTests {
    /// A set of another architecture.
    #if arch(x86_64)
        private static let foreignName = "neon"
    #else
        private static let foreignName = "avx2"
    #endif

    @Test func aNameOnlyLowersTheChoice() throws {
        for set in InstructionSet.allCases {
            #expect(try set.lowered(toName: "portable").get() == .portable)
            #if arch(x86_64)
                #expect(try set.lowered(toName: "avx2").get() == min(set, .avx2))
                #expect(try set.lowered(toName: "avx512").get() == set)
            #else
                #expect(try set.lowered(toName: "neon").get() == .portable)
            #endif
            #expect(try set.lowered(toName: "").get() == set)
        }
    }

    @Test(arguments: ["avx", "AVX2", "avx512 ", "sse2", "1", foreignName])
    func anUnknownNameIsAnError(
        name: String
    ) {
        #expect(throws: PlanError.unknownInstructionSet(name: name)) {
            try InstructionSet.best.lowered(toName: name).get()
        }
        #expect(
            PlanError.unknownInstructionSet(name: name).description
                == "OREPA_ISA: expected \(InstructionSet.names), found \(name)")
    }
}
