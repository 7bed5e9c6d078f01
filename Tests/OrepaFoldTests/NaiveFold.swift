import Glibc
import OrepaCheckpoint
import OrepaTraining

/// A block's kernel and bias by the sums of the specification, one loop per index, without any layout or
/// library in common with OrepaFold.
struct NaiveFold {
    let block: TrainingBlock
    var outputs: Int { block.convolution.outputChannels }
    var groups: Int { block.convolution.groups }
    var inputs: Int { block.convolution.inputChannels / groups }
    var size: Int { block.convolution.kernel }

    /// A tensor addressed by its indices.
    struct Array4 {
        let shape: [Int]
        var values: [Double]

        init(_ shape: [Int]) {
            self.shape = shape
            values = Array(repeating: 0, count: shape.reduce(1, *))
        }

        subscript(_ a: Int, _ b: Int, _ c: Int, _ d: Int) -> Double {
            get { values[((a * shape[1] + b) * shape[2] + c) * shape[3] + d] }
            set { values[((a * shape[1] + b) * shape[2] + c) * shape[3] + d] = newValue }
        }

        subscript(_ a: Int, _ b: Int, _ c: Int) -> Double {
            values[(a * shape[1] + b) * shape[2] + c]
        }

        subscript(_ a: Int, _ b: Int) -> Double { values[a * shape[1] + b] }

        subscript(_ a: Int) -> Double { values[a] }
    }

    func tensor(_ name: String) throws -> Array4? {
        guard let tensor = block.tensors[name] else { return nil }
        var array = Array4(tensor.shape)
        array.values = try tensor.doubles()
        return array
    }

    /// Scale and shift of one channel.
    func norm(_ name: String, _ channel: Int) throws -> (t: Double, s: Double) {
        let gamma = try tensor("\(name).weight")![channel]
        let beta = try tensor("\(name).bias")![channel]
        let mu = try tensor("\(name).running_mean")![channel]
        let variance = try tensor("\(name).running_var")![channel]
        let t = gamma / (variance + 1e-5).squareRoot()
        return (t, beta - mu * t)
    }

    func norms(_ name: String, _ count: Int) throws -> [(t: Double, s: Double)] {
        try (0..<count).map { try norm(name, $0) }
    }

    func fold() throws -> (weight: [Double], bias: [Double]) {
        var kernel = Array4([outputs, inputs, size, size])
        var bias = [Double](repeating: 0, count: outputs)
        let centre = size / 2
        func add(_ weight: Array4, _ norm: [(t: Double, s: Double)], isCentred: Bool = false) {
            for o in 0..<outputs {
                bias[o] += norm[o].s
                for i in 0..<inputs {
                    if isCentred {
                        kernel[o, i, centre, centre] += norm[o].t * weight[o, i, 0, 0]
                        continue
                    }
                    for y in 0..<size {
                        for x in 0..<size { kernel[o, i, y, x] += norm[o].t * weight[o, i, y, x] }
                    }
                }
            }
        }
        switch block.kind {
        case .convBN: add(try tensor("conv.weight")!, try norms("bn", outputs))
        case .repVGG, .orepaRepVGG:
            let dense =
                try tensor("rbr_dense.conv.weight")
                ?? generated("rbr_dense.", "rbr", outputs, inputs, 1, 3)
            add(dense, try norms("rbr_dense.bn", outputs))
            add(
                try tensor("rbr_1x1.conv.weight")!, try norms("rbr_1x1.bn", outputs),
                isCentred: true)
            if block.tensors["rbr_identity.bias"] != nil {
                for o in 0..<outputs {
                    let norm = try norm("rbr_identity", o)
                    kernel[o, o % inputs, 1, 1] += norm.t
                    bias[o] += norm.s
                }
            }
        case .orepa:
            add(try generated("", "orepa", outputs, inputs, groups, size), try norms("bn", outputs))
        case .orepa1x1:
            let origin = try tensor("weight_or1x1_origin")!
            let first = try tensor("weight_or1x1_l2i_conv1")!
            let second = try tensor("weight_or1x1_l2i_conv2")!
            let vector = try tensor("vector")!
            var weight = Array4([outputs, inputs, 1, 1])
            for o in 0..<outputs {
                for i in 0..<inputs {
                    var sum = 0.0
                    for t in 0..<first.shape[0] { sum += second[o, t, 0, 0] * first[t, i, 0, 0] }
                    weight[o, i, 0, 0] = vector[0, o] * origin[o, i, 0, 0] + vector[1, o] * sum
                }
            }
            add(weight, try norms("bn", outputs))
        case .orepaLarge: add(try composed(), try norms("bn", outputs))
        case .dbb: try addDiverse(&kernel, &bias)
        case .folded:
            let name = block.convolution.parameters.split(separator: ".").last!
            return (try tensor("\(name).weight")!.values, try tensor("\(name).bias")!.values)
        }
        return (kernel.values, bias)
    }

    func generated(
        _ prefix: String, _ stem: String, _ outputs: Int, _ inputs: Int, _ groups: Int, _ size: Int
    ) throws -> Array4 {
        func get(_ name: String) throws -> Array4? { try tensor("\(prefix)weight_\(stem)_\(name)") }
        let vector = try tensor("\(prefix)vector")!
        let origin = try get("origin")!
        let average = try get("avg_avg")
        let averageConv = try get("avg_conv")!
        let prior = try get("prior")
        let priorConv = try get("pfir_conv")!
        let hasIdentity = try get("1x1_kxk_conv1") == nil
        let identity = try tensor("\(prefix)id_tensor")
        let first = try get("1x1_kxk_conv1") ?? get("1x1_kxk_idconv1")!
        let second = try get("1x1_kxk_conv2")!
        let pointwise = try get("1x1")
        let dw = try get("gconv_dw")!
        let pw = try get("gconv_pw")!
        let perGroup = outputs / groups
        let inner = first.shape[0] / groups
        var kernel = Array4([outputs, inputs, size, size])
        for o in 0..<outputs {
            let c = o / perGroup
            let n = o - c * perGroup
            for i in 0..<inputs {
                for y in 0..<size {
                    for x in 0..<size {
                        var sum = vector[0, o] * origin[o, i, y, x]
                        sum +=
                            vector[1, o] * averageConv[o, i, 0, 0]
                            * (average?[y, x] ?? 1 / Double(size * size))
                        let half = outputs / 2
                        let cosine =
                            o < half
                            ? cos(Double.pi * (Double(y) + 0.5) * Double(o + 1) / 3)
                            : cos(Double.pi * (Double(x) + 0.5) * Double(o + 1 - half) / 3)
                        sum += vector[2, o] * priorConv[o, i, 0, 0] * (prior?[o, y, x] ?? cosine)
                        var hidden = 0.0
                        for t in 0..<inner {
                            let row = c * inner + t
                            let one = hasIdentity && row % inputs == i ? 1.0 : 0
                            hidden +=
                                second[o, t, y, x]
                                * (first[row, i, 0, 0] + (identity?[row, i, 0, 0] ?? one))
                        }
                        sum += vector[3, o] * hidden
                        var separable = 0.0
                        for r in 0..<8 {
                            separable +=
                                pw[n * groups + c, 8 * i + r, 0, 0]
                                * dw[(c * inputs + i) * 8 + r, 0, y, x]
                        }
                        sum += vector[pointwise == nil ? 4 : 5, o] * separable
                        if let pointwise, y == size / 2, x == size / 2 {
                            sum += vector[4, o] * pointwise[o, i, 0, 0]
                        }
                        kernel[o, i, y, x] = sum
                    }
                }
            }
        }
        return kernel
    }

    func composed() throws -> Array4 {
        var kernel = Array4([0])
        for step in 0..<(size - 1) / 2 {
            let width = step == 0 ? inputs : kernel.shape[0]
            let next =
                try tensor("weight\(step)")
                ?? generated("weight\(step).", "orepa", outputs, width, 1, 3)
            if step == 0 {
                kernel = next
                continue
            }
            let (before, k) = (kernel, 2 * step + 3)
            kernel = Array4([next.shape[0], inputs, k, k])
            for o in 0..<next.shape[0] {
                for i in 0..<inputs {
                    for y in 0..<k {
                        for x in 0..<k {
                            var sum = 0.0
                            for m in 0..<width {
                                for a in 0...2 {
                                    for b in 0...2 {
                                        let (v, u) = (y + a - 2, x + b - 2)
                                        guard 0..<k - 2 ~= v, 0..<k - 2 ~= u else { continue }
                                        sum += next[o, m, a, b] * before[m, i, v, u]
                                    }
                                }
                            }
                            kernel[o, i, y, x] = sum
                        }
                    }
                }
            }
        }
        return kernel
    }

    func addDiverse(_ kernel: inout Array4, _ bias: inout [Double]) throws {
        let perGroup = outputs / groups
        let origin = try tensor("dbb_origin.conv.weight")!
        let pointwise = try tensor("dbb_1x1.conv.weight")
        let first = try tensor("dbb_1x1_kxk.idconv1.weight") ?? tensor("dbb_1x1_kxk.conv1.weight")!
        let hasIdentity = block.tensors["dbb_1x1_kxk.idconv1.weight"] != nil
        let second = try tensor("dbb_1x1_kxk.conv2.weight")!
        let average = try tensor("dbb_avg.conv.weight")
        let inner = first.shape[0] / groups
        let firstNorm = try norms("dbb_1x1_kxk.bn1.bn", first.shape[0])
        for o in 0..<outputs {
            let c = o / perGroup
            let originNorm = try norm("dbb_origin.bn", o)
            let secondNorm = try norm("dbb_1x1_kxk.bn2", o)
            let averageNorm = try norm("dbb_avg.avgbn", o)
            let innerNorm = average == nil ? (t: 1, s: 0) : try norm("dbb_avg.bn.bn", o)
            let pointwiseNorm = pointwise == nil ? (t: 0, s: 0) : try norm("dbb_1x1.bn", o)
            bias[o] = originNorm.s + secondNorm.s + averageNorm.s + pointwiseNorm.s
            for y in 0..<size {
                for x in 0..<size {
                    bias[o] += averageNorm.t / Double(size * size) * innerNorm.s
                    for t in 0..<inner {
                        bias[o] += secondNorm.t * second[o, t, y, x] * firstNorm[c * inner + t].s
                    }
                    for i in 0..<inputs {
                        var sum = originNorm.t * origin[o, i, y, x]
                        if let pointwise, y == size / 2, x == size / 2 {
                            sum += pointwiseNorm.t * pointwise[o, i, 0, 0]
                        }
                        sum +=
                            averageNorm.t / Double(size * size) * innerNorm.t
                            * (average?[o, i, 0, 0] ?? 1)
                        for t in 0..<inner {
                            let row = c * inner + t
                            let one = hasIdentity && row % inputs == i ? 1.0 : 0
                            sum +=
                                secondNorm.t * second[o, t, y, x] * firstNorm[row].t
                                * (first[row, i, 0, 0] + one)
                        }
                        kernel[o, i, y, x] = sum
                    }
                }
            }
        }
    }
}
