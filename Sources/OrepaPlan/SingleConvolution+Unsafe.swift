import OrepaNetwork

extension Convolution {
    /// Runs this one convolution as a ``Plan`` would: `input [inputChannels, height, width]` to
    /// `[outputChannels, H', W']`. For checking a layer by itself; it allocates.
    ///
    /// - Throws: ``NetworkError/inputTooSmall(node:input:)`` when the padded input is smaller than the
    ///   kernel.
    public func evaluate(
        weight: Tensor, bias: Tensor, input: [Float], height: Int, width: Int, pool: WorkerPool
    ) throws(NetworkError) -> (shape: Shape, values: [Float]) {
        let inputShape = Shape(channels: inputChannels, height: height, width: width)
        precondition(input.count == inputShape.elementCount, "input must be [C, height, width]")
        let rows = height + 2 * padding - kernel
        let columns = width + 2 * padding - kernel
        guard rows >= 0, columns >= 0 else {
            throw .inputTooSmall(node: parameters, input: inputShape)
        }
        let output = Shape(
            channels: outputChannels, height: rows / stride + 1, width: columns / stride + 1)
        let step = ConvolutionStep(
            self, input: inputShape, output: output, weight: weight, bias: bias)
        let scratch = UnsafeMutablePointer<Float>.allocate(capacity: max(step.scratchCount, 1))
        defer { scratch.deallocate() }
        let values = [Float](unsafeUninitializedCapacity: output.elementCount) {
            buffer, initialized in
            input.withUnsafeBufferPointer { input in
                step.run(
                    input: input.baseAddress!, output: buffer.baseAddress!, scratch: scratch,
                    pool: pool)
            }
            initialized = output.elementCount
        }
        return (output, values)
    }
}
