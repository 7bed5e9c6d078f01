/// What the published training code calls the tensors of a block, under the block's own name. Layouts, folds and the
/// interpreter take names from here alone; a ``Dialect`` puts other authors' names into these.
package enum BlockNames {
    package static let convBN = ConvolutionNames(weight: "conv.weight", norm: "bn")

    /// Of a RepVGG block; of one with OREPA branches all but the first.
    package enum RepVGG {
        package static let dense = ConvolutionNames(in: "rbr_dense")
        package static let pointwise = ConvolutionNames(in: "rbr_1x1")
        package static let identity = BatchNormNames("rbr_identity")
        package static let generated = GeneratedNames(
            in: "rbr_dense.", spelling: "rbr", hasPointwise: false)
    }

    package enum OREPA {
        package static let generated = GeneratedNames(
            in: "", spelling: "orepa", hasPointwise: true)
        package static let norm = BatchNormNames("bn")
    }

    package enum OREPA1x1 {
        package static let origin = "weight_or1x1_origin"
        package static let first = "weight_or1x1_l2i_conv1"
        package static let second = "weight_or1x1_l2i_conv2"
        package static let vector = "vector"
        package static let norm = BatchNormNames("bn")
    }

    package enum OREPALarge {
        /// Before the number of a 3x3 kernel.
        static let stem = "weight"
        package static let norm = BatchNormNames("bn")

        /// The 3x3 kernel of a step that is stored plainly.
        package static func plain(_ step: Int) -> String { "\(stem)\(step)" }

        /// The branches that generate the 3x3 kernel of a step.
        package static func generated(_ step: Int) -> GeneratedNames {
            GeneratedNames(in: "\(stem)\(step).", spelling: "orepa", hasPointwise: true)
        }
    }

    package enum DBB {
        package static let origin = ConvolutionNames(in: "dbb_origin")
        package static let pointwise = ConvolutionNames(in: "dbb_1x1")
        /// The 1x1 kernel of the branch of two convolutions, to which an identity is added.
        package static let identityPointwise = ConvolutionNames(
            weight: "dbb_1x1_kxk.idconv1.weight", norm: "dbb_1x1_kxk.bn1.bn")
        /// The same of a depthwise block, which widens and has no identity.
        package static let wideningPointwise = ConvolutionNames(
            weight: "dbb_1x1_kxk.conv1.weight", norm: "dbb_1x1_kxk.bn1.bn")
        package static let second = ConvolutionNames(
            weight: "dbb_1x1_kxk.conv2.weight", norm: "dbb_1x1_kxk.bn2")
        /// The 1x1 kernel before the average, and the batch norm behind it.
        package static let averaged = ConvolutionNames(
            weight: "dbb_avg.conv.weight", norm: "dbb_avg.bn.bn")
        package static let averageNorm = BatchNormNames("dbb_avg.avgbn")
    }

    /// Weight and bias of a folded convolution called `name`.
    package static func folded(_ name: String) -> (weight: String, bias: String) {
        ("\(name).weight", "\(name).bias")
    }

    /// Whether PyTorch would register `name` as a buffer that follows from the block's shape, so that a file may leave
    /// it out.
    package static func isRecomputable(_ name: String) -> Bool {
        let last = name.split(separator: ".").last ?? ""
        return last == GeneratedNames.identity || last == BatchNormNames.tally
            || last.hasSuffix("_\(GeneratedNames.prior)")
            || last.hasSuffix("_\(GeneratedNames.average)")
    }
}

extension BlockKind {
    /// The name under the block's own that the published converter gives to the folded convolution, or nil for a block
    /// that is folded already, which keeps the name that it has.
    public var foldedName: String? {
        switch self {
        case .convBN: "conv"
        case .repVGG, .orepaRepVGG: "rbr_reparam"
        case .orepa: "orepa_reparam"
        case .orepa1x1: "or1x1_reparam"
        case .orepaLarge: "or_large_reparam"
        case .dbb: "dbb_reparam"
        case .folded: nil
        }
    }
}

/// A batch norm's tensors.
package struct BatchNormNames: Sendable {
    let module: String
    package let weight: String
    package let bias: String
    package let mean: String
    package let variance: String
    /// How many batches the averages are of, which means nothing after training.
    static let tally = "num_batches_tracked"

    package init(_ module: String) {
        self.module = module
        weight = "\(module).weight"
        bias = "\(module).bias"
        mean = "\(module).running_mean"
        variance = "\(module).running_var"
    }

    package var all: [String] { [weight, bias, mean, variance] }
}

/// A convolution's weight, and the batch norm behind it.
package struct ConvolutionNames: Sendable {
    package let weight: String
    package let norm: BatchNormNames

    init(weight: String, norm: String) {
        self.weight = weight
        self.norm = BatchNormNames(norm)
    }

    /// As the published code has them in a sequence called `module`.
    init(in module: String) {
        self.init(weight: "\(module).conv.weight", norm: "\(module).bn")
    }
}

/// The branches that generate a kernel, of OREPA blocks in one spelling and of OREPA RepVGG blocks in another.
package struct GeneratedNames: Sendable {
    package let origin: String
    package let averagedPointwise: String
    package let average: String
    package let filteredPointwise: String
    package let prior: String
    /// The 1x1 kernel before a k x k one, to which ``identity`` is added.
    package let identityPointwise: String
    package let identity: String
    /// The same of another width than the input's, without identity.
    package let wideningPointwise: String
    package let second: String
    /// The 1x1 branch, which a RepVGG block has beside the others and not among them.
    package let pointwise: String?
    package let depthwise: String
    package let depthwisePointwise: String
    /// The branches' scales, a row for each.
    package let vector: String

    fileprivate static let identity = "id_tensor"
    fileprivate static let prior = "prior"
    fileprivate static let average = "avg_avg"

    /// - Parameter container: What is before each name: nothing, or a module's and a dot.
    fileprivate init(in container: String, spelling: String, hasPointwise: Bool) {
        func name(_ branch: String) -> String { "\(container)weight_\(spelling)_\(branch)" }
        origin = name("origin")
        averagedPointwise = name("avg_conv")
        average = name(GeneratedNames.average)
        filteredPointwise = name("pfir_conv")
        prior = name(GeneratedNames.prior)
        identityPointwise = name("1x1_kxk_idconv1")
        identity = "\(container)\(GeneratedNames.identity)"
        wideningPointwise = name("1x1_kxk_conv1")
        second = name("1x1_kxk_conv2")
        pointwise = hasPointwise ? name("1x1") : nil
        depthwise = name("gconv_dw")
        depthwisePointwise = name("gconv_pw")
        vector = "\(container)vector"
    }
}
