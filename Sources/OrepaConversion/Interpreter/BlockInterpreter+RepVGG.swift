import OrepaCheckpoint
import OrepaTraining

extension BlockInterpreter {
    /// 3x3, 1x1 and identity, each with a batch norm, added.
    func repVGG(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let dense = try convolutionAndNorm(BlockNames.RepVGG.dense, x)
        return try addingPointwiseAndIdentity(dense, x)
    }

    /// The same with generated branches in the place of the 3x3 convolution.
    func orepaRepVGG(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let dense = try GeneratedConvolution(of: self, BlockNames.RepVGG.generated)
            .output(of: x, stride: convolution.stride, padding: 1, groups: 1)
        return try addingPointwiseAndIdentity(normalize(dense, BlockNames.RepVGG.dense.norm), x)
    }

    private func addingPointwiseAndIdentity(
        _ dense: FeatureMap, _ x: FeatureMap
    ) throws(CheckpointError) -> FeatureMap {
        let sum = try dense + convolutionAndNorm(BlockNames.RepVGG.pointwise, x)
        guard has(BlockNames.RepVGG.identity.weight) else { return sum }
        return try sum + normalize(x, BlockNames.RepVGG.identity)
    }
}
