import OrepaCheckpoint
import OrepaTraining

// Every number of a checkpoint comes in through the functions of this file, which check that it is finite.

/// Position `flat` of a row-major tensor as one index per dimension.
func indices(of flat: Int, in shape: [Int]) -> [Int] {
    var rest = flat
    var result: [Int] = []
    for extent in shape.reversed() {
        result.append(rest % extent)
        rest /= extent
    }
    return result.reversed()
}

/// The tensor's elements as Double, row-major, all finite.
func doubles(_ tensor: CheckpointTensor, path: String, key: String) throws(FoldError) -> [Double] {
    defer { tensor.releasePages() }
    let values: [Double]
    do { values = try tensor.doubles() } catch { throw .checkpoint(error) }
    if let flat = firstNotFinite(values) {
        throw .notFinite(
            path: path, key: key, index: indices(of: flat, in: tensor.shape),
            found: "\(values[flat])")
    }
    return values
}

/// The tensor's elements as Float where that is exact, nil for Float64.
func exactFloats(
    _ tensor: CheckpointTensor, path: String, key: String
) throws(FoldError) -> [Float]? {
    guard tensor.elementType != .float64 else { return nil }
    defer { tensor.releasePages() }
    let values: [Float]
    do { values = try tensor.floats() } catch { throw .checkpoint(error) }
    if let flat = firstNotFinite(values) {
        throw .notFinite(
            path: path, key: key, index: indices(of: flat, in: tensor.shape),
            found: "\(values[flat])")
    }
    return values
}

/// The tensor's elements as Float, rounded once, which becomes tensor `name` of the folded network.
func rounded(
    _ tensor: CheckpointTensor, path: String, key: String, name: String
) throws(FoldError) -> [Float] {
    if let values = try exactFloats(tensor, path: path, key: key) { return values }
    let values = try doubles(tensor, path: path, key: key)
    return try rounded(values, shape: tensor.shape, path: path, name: name)
}

/// `values` rounded to Float, which becomes tensor `name` of the folded network.
func rounded(
    _ values: [Double], shape: [Int], path: String, name: String
) throws(FoldError) -> [Float] {
    let floats = values.map(Float.init)
    if let flat = firstNotFinite(floats) {
        throw .overflow(
            path: path, tensor: name, index: indices(of: flat, in: shape), found: "\(values[flat])")
    }
    return floats
}

extension TrainingBlock {
    func has(_ name: String) -> Bool { tensors[name] != nil }

    /// The key in the checkpoint of the tensor called `name`, where it is there.
    func key(_ name: String) -> String { tensors[name]?.name ?? "" }

    /// The tensor called `name`, row-major, or nil where it is absent.
    func optionalDoubles(_ name: String) throws(FoldError) -> [Double]? {
        guard let tensor = tensors[name] else { return nil }
        return try OrepaFold.doubles(tensor, path: path, key: tensor.name)
    }

    /// The tensor called `name`, row-major. Recognition has made sure that it is there.
    func doubles(_ name: String) throws(FoldError) -> [Double] {
        guard let values = try optionalDoubles(name) else {
            preconditionFailure("block `\(self.name)` was recognised without `\(name)`")
        }
        return values
    }

    /// The tensor `[A, B, k, k]` called `name` with its taps before its input channels: `[A, k * k, B]`.
    func tapMajor(_ name: String) throws(FoldError) -> [Double] {
        guard let tensor = tensors[name] else {
            preconditionFailure("block `\(self.name)` was recognised without `\(name)`")
        }
        let (rows, channels) = (tensor.shape[0], tensor.shape[1])
        let taps = tensor.shape[2] * tensor.shape[3]
        if let values = try exactFloats(tensor, path: path, key: tensor.name) {
            return transposed(values, rows: rows, from: channels, by: taps)
        }
        return transposed(try doubles(name), rows: rows, from: channels, by: taps)
    }

    /// The folded weight and bias, rounded.
    func rounded(_ kernel: Kernel, _ bias: [Double]) throws(FoldError) -> FoldedConvolution {
        let weight = kernel.rounded()
        if let flat = firstNotFinite(weight) {
            throw .overflow(
                path: path, tensor: "\(convolution.parameters).weight",
                index: indices(of: flat, in: convolution.weightShape),
                found: "\(kernel.element(flat))")
        }
        return FoldedConvolution(
            weight: weight,
            bias: try OrepaFold.rounded(
                bias, shape: [bias.count], path: path, name: "\(convolution.parameters).bias"))
    }
}
