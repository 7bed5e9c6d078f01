// The names of torchvision's ResNets, ResNeXts and wide ResNets, which timm and torch hub use too.

extension Dialect {
    static let torchvision = Dialect(
        family: .resNet, mark: "layer{stage}.{block}",
        modules: Module.convolution("conv1", norm: "bn1", .stem)
            + Module.convolution(
                "layer{stage}.{block}.conv1", norm: "layer{stage}.{block}.bn1",
                .residual(.conv1))
            + Module.convolution(
                "layer{stage}.{block}.conv2", norm: "layer{stage}.{block}.bn2",
                .residual(.conv2))
            + Module.convolution(
                "layer{stage}.{block}.conv3", norm: "layer{stage}.{block}.bn3",
                .residual(.conv3))
            + Module.convolution(
                "layer{stage}.{block}.downsample.0", norm: "layer{stage}.{block}.downsample.1",
                .residual(.shortcut))
            + [Module("fc", .head)],
        stemConvolutions: ["conv1", "conv1.{number}"])
}
