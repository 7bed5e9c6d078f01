import OrepaPlan
import Testing

@Suite struct InstructionSetTests {
    @Test func aNameOnlyLowersTheChoice() throws {
        for set in InstructionSet.allCases {
            #expect(try set.lowered(toName: "portable").get() == .portable)
            #expect(try set.lowered(toName: "neon").get() == .portable)
            #expect(try set.lowered(toName: "avx2").get() == min(set, .avx2))
            #expect(try set.lowered(toName: "avx512").get() == set)
            #expect(try set.lowered(toName: "").get() == set)
        }
    }

    @Test(arguments: ["avx", "AVX2", "avx512 ", "sse2", "1"]) func anUnknownNameIsAnError(
        name: String
    ) {
        #expect(throws: PlanError.unknownInstructionSet(name: name)) {
            try InstructionSet.best.lowered(toName: name).get()
        }
        #expect(
            PlanError.unknownInstructionSet(name: name).description
                == "OREPA_ISA: expected avx512, avx2, neon or portable, found \(name)")
    }
}
