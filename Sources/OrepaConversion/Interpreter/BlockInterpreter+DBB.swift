import OrepaCheckpoint

extension BlockInterpreter {
    /// Four branches with batch norms of their own, added. A depthwise block lacks the 1x1 branch.
    func diverseBranches(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        var sum = try convolutionAndNorm("dbb_origin.conv.weight", "dbb_origin.bn", x)
        if block.tensors["dbb_1x1.conv.weight"] != nil {
            sum = try sum + convolutionAndNorm("dbb_1x1.conv.weight", "dbb_1x1.bn", x)
        }
        return try sum + pointwiseThenKernel(x) + pointwiseThenAverage(x)
    }

    /// 1x1 about the identity, batch norm, k x k, batch norm.
    private func pointwiseThenKernel(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let pointwise: Filter
        if block.tensors["dbb_1x1_kxk.idconv1.weight"] != nil {
            // The identity is not in the file.
            pointwise = try filter("dbb_1x1_kxk.idconv1.weight").addingIdentity()
        } else {
            pointwise = try filter("dbb_1x1_kxk.conv1.weight")
        }
        let hidden = try normalizeAndPad(
            x.convolved(with: pointwise, groups: convolution.groups), "dbb_1x1_kxk.bn1.bn")
        let y = try hidden.convolved(
            with: filter("dbb_1x1_kxk.conv2.weight"), stride: convolution.stride,
            groups: convolution.groups)
        return try normalize(y, "dbb_1x1_kxk.bn2")
    }

    /// 1x1, batch norm, k x k average pooling, batch norm. A depthwise block pools its input.
    private func pointwiseThenAverage(_ x: FeatureMap) throws(CheckpointError) -> FeatureMap {
        let hidden: FeatureMap
        if block.tensors["dbb_avg.conv.weight"] != nil {
            hidden = try normalizeAndPad(
                x.convolved(with: filter("dbb_avg.conv.weight"), groups: convolution.groups),
                "dbb_avg.bn.bn")
        } else {
            hidden = x.padded(by: convolution.padding)
        }
        let average = hidden.averagePooled(kernel: convolution.kernel, stride: convolution.stride)
        return try normalize(average, "dbb_avg.avgbn")
    }

    /// A batch norm, and the block's padding around it with what the batch norm makes of zero.
    private func normalizeAndPad(
        _ x: FeatureMap, _ norm: String
    ) throws(CheckpointError) -> FeatureMap {
        let zero = FeatureMap(
            shape: .init(channels: x.shape.channels, height: 1, width: 1),
            values: Array(repeating: 0, count: x.shape.channels))
        return try normalize(x, norm)
            .padded(by: convolution.padding, with: normalize(zero, norm).values)
    }
}
