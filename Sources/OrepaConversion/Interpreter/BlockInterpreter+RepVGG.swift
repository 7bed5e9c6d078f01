import OrepaCheckpoint

extension BlockInterpreter {
    /// 3x3, 1x1 and identity, each with a batch norm, added.
    func repVGG(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let dense = try convolutionAndNorm("rbr_dense.conv.weight", "rbr_dense.bn", x)
        return try addingPointwiseAndIdentity(dense, x)
    }

    /// The same with generated branches in the place of the 3x3 convolution.
    func orepaRepVGG(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let dense = try GeneratedConvolution(of: self, in: "rbr_dense.", family: "rbr")
            .output(of: x, stride: convolution.stride, padding: 1, groups: 1)
        return try addingPointwiseAndIdentity(normalize(dense, "rbr_dense.bn"), x)
    }

    private func addingPointwiseAndIdentity(
        _ dense: FeatureMap, _ x: FeatureMap
    ) throws(CheckpointError) -> FeatureMap {
        let sum = try dense + convolutionAndNorm("rbr_1x1.conv.weight", "rbr_1x1.bn", x)
        guard block.tensors["rbr_identity.weight"] != nil else { return sum }
        return try sum + normalize(x, "rbr_identity")
    }
}
