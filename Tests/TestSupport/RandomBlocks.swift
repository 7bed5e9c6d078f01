import Glibc
import OrepaFiles

/// Adds blocks' tensors under their published names.
struct RandomCheckpointBuilder {
    let type: RandomCheckpoint.BlockType
    var generator: RandomCheckpoint.Generator
    var tensors: [RandomCheckpoint.Tensor] = []
    private var prefix = ""

    init(type: RandomCheckpoint.BlockType, generator: RandomCheckpoint.Generator) {
        self.type = type
        self.generator = generator
    }

    mutating func addLinear(_ classes: Int, _ features: Int) {
        prefix = "linear"
        addWeight("weight", [classes, features])
        add("bias", [classes], scale: 0.5)
    }

    mutating func addBlock(_ place: RandomCheckpoint.Architecture.Place) {
        prefix = place.prefix
        let types: [RandomCheckpoint.BlockType] = [
            .base, .repVGG, .orepaVGG, .orepa, .dbb, .deployed,
        ]
        let type = type == .mixed ? types[generator.pick(0...types.count - 1)] : type
        let (o, i, k, g) = (
            place.outputChannels, place.inputChannels, place.kernel, place.groups
        )
        // A basic block's shortcut is a plain convolution in the published code.
        let isPlain = place.prefix.hasSuffix(".shortcut") && generator.chance(50)
        switch type {
        case .deployed: addFolded(o, i / g, k)
        case .orepa where k == 1 && !isPlain: addPointwiseOREPA(o, i)
        case .orepa where k >= 5: addLarge(o, i, k)
        case .orepa where k == 3:
            addOREPA("", o, i, g, k)
            addBatchNorm("bn", o)
        case .dbb where k == 3 && !(g == o && i != o): addDBB(o, i, g, k)
        case .repVGG where k == 3:
            addWeight("rbr_dense.conv.weight", [o, i / g, 3, 3])
            addBatchNorm("rbr_dense.bn", o)
            addPointwiseAndIdentity(o, i / g, place.hasIdentity)
        case .orepaVGG where k == 3 && g == 1:
            addGeneratedRepVGG(o, i, place.hasIdentity)
            addPointwiseAndIdentity(o, i, place.hasIdentity)
        default:
            addWeight("conv.weight", [o, i / g, k, k])
            addBatchNorm("bn", o)
        }
    }

    private mutating func addFolded(_ o: Int, _ i: Int, _ k: Int) {
        let names = ["conv", "rbr_reparam", "orepa_reparam", "dbb_reparam"]
        let name =
            k == 1 ? "or1x1_reparam" : k > 3 ? "or_large_reparam" : names[generator.pick(0...3)]
        addWeight("\(name).weight", [o, i, k, k])
        add("\(name).bias", [o], scale: 0.5)
    }

    private mutating func addPointwiseAndIdentity(_ o: Int, _ i: Int, _ hasIdentity: Bool) {
        addWeight("rbr_1x1.conv.weight", [o, i, 1, 1])
        addBatchNorm("rbr_1x1.bn", o)
        if hasIdentity { addBatchNorm("rbr_identity", o) }
    }

    private mutating func addPointwiseOREPA(_ o: Int, _ i: Int) {
        let inner = min(o, i)
        addWeight("weight_or1x1_origin", [o, i, 1, 1])
        addWeight("weight_or1x1_l2i_conv1", [inner, i, 1, 1])
        addWeight("weight_or1x1_l2i_conv2", [o, inner, 1, 1])
        add("vector", [2, o], scale: 1)
        addBatchNorm("bn", o)
    }

    private mutating func addLarge(_ o: Int, _ i: Int, _ k: Int) {
        let isPlain = generator.chance(25)
        for step in 0..<(k - 1) / 2 {
            let inputs = step == 0 ? i : o
            if isPlain {
                addWeight("weight\(step)", [o, inputs, 3, 3])
            } else {
                addOREPA("weight\(step).", o, inputs, 1, 3)
            }
        }
        addBatchNorm("bn", o)
    }

    private mutating func addOREPA(_ before: String, _ o: Int, _ channels: Int, _ g: Int, _ k: Int)
    {
        let i = channels / g
        let inner = g <= 4 ? channels : 2 * channels
        func name(_ name: String) -> String { "\(before)weight_orepa_\(name)" }
        addWeight(name("origin"), [o, i, k, k])
        addWeight(name("avg_conv"), [o, i, 1, 1])
        addWeight(name("pfir_conv"), [o, i, 1, 1])
        addWeight(name("1x1"), [o, i, 1, 1])
        addWeight(name("1x1_kxk_idconv1"), [inner, i, 1, 1])
        addWeight(name("1x1_kxk_conv2"), [o, inner / g, k, k])
        addWeight(name("gconv_dw"), [8 * channels, 1, k, k])
        addWeight(name("gconv_pw"), [o, 8 * channels / g, 1, 1])
        add("\(before)vector", [6, o], scale: 1)
        addBuffers(average: name("avg_avg"), prior: name("prior"), o, k)
        addIdentity("\(before)id_tensor", inner, i)
    }

    private mutating func addGeneratedRepVGG(_ o: Int, _ i: Int, _ hasIdentity: Bool) {
        func name(_ name: String) -> String { "rbr_dense.weight_rbr_\(name)" }
        addWeight(name("origin"), [o, i, 3, 3])
        addWeight(name("avg_conv"), [o, i, 1, 1])
        addWeight(name("pfir_conv"), [o, i, 1, 1])
        if generator.chance(20) {
            let inner = 2 * i + 1
            addWeight(name("1x1_kxk_conv1"), [inner, i, 1, 1])
            addWeight(name("1x1_kxk_conv2"), [o, inner, 3, 3])
        } else {
            addWeight(name("1x1_kxk_idconv1"), [i, i, 1, 1])
            addWeight(name("1x1_kxk_conv2"), [o, i, 3, 3])
            addIdentity("rbr_dense.id_tensor", i, i)
        }
        addWeight(name("gconv_dw"), [8 * i, 1, 3, 3])
        addWeight(name("gconv_pw"), [o, 8 * i, 1, 1])
        add("rbr_dense.vector", [hasIdentity ? 6 : 5, o], scale: 1)
        addBuffers(average: name("avg_avg"), prior: name("prior"), o, 3)
        addBatchNorm("rbr_dense.bn", o)
    }

    private mutating func addDBB(_ o: Int, _ channels: Int, _ g: Int, _ k: Int) {
        let i = channels / g
        let isDepthwise = g == o
        let inner = isDepthwise ? 2 * channels : channels
        addWeight("dbb_origin.conv.weight", [o, i, k, k])
        addBatchNorm("dbb_origin.bn", o)
        if !isDepthwise {
            addWeight("dbb_avg.conv.weight", [o, i, 1, 1])
            addBatchNorm("dbb_avg.bn.bn", o)
        }
        addBatchNorm("dbb_avg.avgbn", o)
        if !isDepthwise {
            addWeight("dbb_1x1.conv.weight", [o, i, 1, 1])
            addBatchNorm("dbb_1x1.bn", o)
        }
        addWeight("dbb_1x1_kxk.\(isDepthwise ? "conv1" : "idconv1").weight", [inner, i, 1, 1])
        addBatchNorm("dbb_1x1_kxk.bn1.bn", inner)
        addWeight("dbb_1x1_kxk.conv2.weight", [o, inner / g, k, k])
        addBatchNorm("dbb_1x1_kxk.bn2", o)
    }

    /// The buffers that can be recomputed, each absent in one file of five.
    private mutating func addBuffers(average: String, prior: String, _ o: Int, _ k: Int) {
        if generator.chance(80) {
            append(average, [k, k], Array(repeating: 1 / Float(k * k), count: k * k))
        }
        guard generator.chance(80) else { return }
        let half = o / 2
        var values: [Float] = []
        for channel in 0..<o {
            for position in 0..<k * k {
                let (h, w) = (Double(position / k), Double(position % k))
                let angle =
                    channel < half
                    ? (h + 0.5) * Double(channel + 1) : (w + 0.5) * Double(channel + 1 - half)
                values.append(Float(cos(Double.pi * angle / 3)))
            }
        }
        append(prior, [o, k, k], values)
    }

    private mutating func addIdentity(_ name: String, _ inner: Int, _ i: Int) {
        guard generator.chance(80) else { return }
        var values = [Float](repeating: 0, count: inner * i)
        for row in 0..<inner { values[row * i + row % i] = 1 }
        append(name, [inner, i, 1, 1], values)
    }

    private mutating func addBatchNorm(_ name: String, _ channels: Int) {
        add("\(name).weight", [channels], scale: 0.5, offset: 1)
        add("\(name).bias", [channels], scale: 0.3)
        add("\(name).running_mean", [channels], scale: 0.3)
        add("\(name).running_var", [channels], scale: 0.6, offset: 1)
        if generator.chance(50) {
            tensors.append(
                RandomCheckpoint.Tensor(
                    "\(prefix).\(name).num_batches_tracked", [], [600], as: .int64))
        }
    }

    /// Uniform with the variance that keeps a unit signal a unit signal.
    private mutating func addWeight(_ name: String, _ shape: [Int]) {
        let fan = shape.dropFirst().reduce(1, *)
        add(name, shape, scale: (3 / Float(fan)).squareRoot())
    }

    private mutating func add(_ name: String, _ shape: [Int], scale: Float, offset: Float = 0) {
        var values = [Float](repeating: 0, count: shape.reduce(1, *))
        for index in values.indices { values[index] = generator.unit() * scale + offset }
        append(name, shape, values)
    }

    private mutating func append(_ name: String, _ shape: [Int], _ values: [Float]) {
        tensors.append(RandomCheckpoint.Tensor("\(prefix).\(name)", shape, values))
    }
}
