import OrepaTraining
import Testing

@Test func everyKindHasAName() {
    #expect(BlockKind.allCases.allSatisfy { ($0.foldedName == nil) == ($0 == .folded) })
}
