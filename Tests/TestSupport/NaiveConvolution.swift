import OrepaNetwork

/// A convolution as its definition says, in Float64: one loop per index.
public func naiveConvolution(
    _ convolution: Convolution, weight: [Float], bias: [Float], input: [Float], height: Int,
    width: Int
) -> [Double] {
    let rows = (height + 2 * convolution.padding - convolution.kernel) / convolution.stride + 1
    let columns = (width + 2 * convolution.padding - convolution.kernel) / convolution.stride + 1
    let kernel = convolution.kernel
    let depth = convolution.inputChannels / convolution.groups
    let outputsPerGroup = convolution.outputChannels / convolution.groups
    var output: [Double] = []
    for channel in 0..<convolution.outputChannels {
        let group = channel / outputsPerGroup
        for row in 0..<rows {
            for column in 0..<columns {
                var sum = Double(bias[channel])
                for inner in 0..<depth {
                    for kernelRow in 0..<kernel {
                        for kernelColumn in 0..<kernel {
                            let y = row * convolution.stride + kernelRow - convolution.padding
                            let x = column * convolution.stride + kernelColumn - convolution.padding
                            guard 0..<height ~= y, 0..<width ~= x else { continue }
                            let value = input[((group * depth + inner) * height + y) * width + x]
                            let index =
                                ((channel * depth + inner) * kernel + kernelRow) * kernel
                                + kernelColumn
                            sum += Double(weight[index]) * Double(value)
                        }
                    }
                }
                output.append(convolution.activation == .relu && sum < 0 ? 0 : sum)
            }
        }
    }
    return output
}

/// The most by which a Float32 sum of `length` products of values up to `weight` and `input` can differ
/// from the exact one: each of the roundings is at most half an epsilon of the largest partial sum.
public func sumTolerance(length: Int, weight: Float, input: Float) -> Double {
    Double(Float.ulpOfOne) * Double(length) * Double(weight * input) * Double(length).squareRoot()
}
