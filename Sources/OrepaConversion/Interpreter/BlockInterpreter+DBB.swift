import OrepaCheckpoint
import OrepaTraining

extension BlockInterpreter {
    /// Four branches with batch norms of their own, added. A depthwise block lacks the 1x1 branch.
    func diverseBranches(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        var sum = try convolutionAndNorm(BlockNames.DBB.origin, x)
        if has(BlockNames.DBB.pointwise.weight) {
            sum = try sum + convolutionAndNorm(BlockNames.DBB.pointwise, x)
        }
        return try sum + pointwiseThenKernel(x) + pointwiseThenAverage(x)
    }

    /// 1x1 about the identity, batch norm, k x k, batch norm.
    private func pointwiseThenKernel(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let pointwise: Filter
        let norm: BatchNormNames
        if has(BlockNames.DBB.identityPointwise.weight) {
            // The identity is not in the file.
            pointwise = try filter(BlockNames.DBB.identityPointwise.weight).addingIdentity()
            norm = BlockNames.DBB.identityPointwise.norm
        } else {
            pointwise = try filter(BlockNames.DBB.wideningPointwise.weight)
            norm = BlockNames.DBB.wideningPointwise.norm
        }
        let hidden = try normalizeAndPad(
            x.convolved(with: pointwise, groups: convolution.groups), norm)
        let y = try hidden.convolved(
            with: filter(BlockNames.DBB.second.weight), stride: convolution.stride,
            groups: convolution.groups)
        return try normalize(y, BlockNames.DBB.second.norm)
    }

    /// 1x1, batch norm, k x k average pooling, batch norm. A depthwise block pools its input.
    private func pointwiseThenAverage(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let hidden: FeatureMap
        let names = BlockNames.DBB.averaged
        if has(names.weight) {
            hidden = try normalizeAndPad(
                x.convolved(with: filter(names.weight), groups: convolution.groups), names.norm)
        } else {
            hidden = x.padded(by: convolution.padding)
        }
        let average = hidden.averagePooled(kernel: convolution.kernel, stride: convolution.stride)
        return try normalize(average, BlockNames.DBB.averageNorm)
    }

    /// A batch norm, and the block's padding around it with what the batch norm makes of zero.
    private func normalizeAndPad(
        _ x: FeatureMap, _ norm: BatchNormNames
    ) throws(CheckpointError) -> FeatureMap {
        let zero = FeatureMap(
            shape: .init(channels: x.shape.channels, height: 1, width: 1),
            values: Array(repeating: 0, count: x.shape.channels))
        return try normalize(x, norm)
            .padded(by: convolution.padding, with: normalize(zero, norm).values)
    }
}
