import COrepaKernels
import OrepaNetwork
import OrepaThreads

extension Convolution {
    /// Runs this one convolution as a ``Plan`` would: `input [inputChannels, height, width]` to
    /// `[outputChannels, H', W']`. For checking a layer by itself: it plans, packs and allocates.
    ///
    /// - Parameter algorithm: How to compute it; nil to choose by its shape and `numerics`.
    /// - Throws: ``PlanError`` when the padded input is smaller than the kernel, when the algorithm does not take the
    ///   convolution, or for want of memory.
    public func evaluate(
        weight: Tensor, bias: Tensor, input: [Float], height: Int, width: Int,
        numerics: Numerics = .strict, algorithm: LayerAlgorithm? = nil,
        instructionSet: InstructionSet? = nil, pool: WorkerPool
    ) throws(PlanError) -> (shape: Shape, values: [Float]) {
        let instructionSet =
            if let instructionSet { instructionSet } else { try InstructionSet.current() }
        let inputShape = Shape(channels: inputChannels, height: height, width: width)
        precondition(input.count == inputShape.elementCount, "input must be [C, height, width]")
        do { try checkSize(ofInput: inputShape) } catch { throw .network(error) }
        let rows = height + 2 * padding - kernel
        let columns = width + 2 * padding - kernel
        guard rows >= 0, columns >= 0 else {
            throw .network(.inputTooSmall(node: parameters, input: inputShape))
        }
        let output = Shape(
            channels: outputChannels, height: rows / stride + 1, width: columns / stride + 1)
        let isPlanar = inputChannels < 16 && groups == 1
        var inputMap = (isPlanar ? orepa_map_planar : orepa_map_blocked)(
            Int32(inputChannels), Int32(height), Int32(width), Int32(padding))
        var outputMap = orepa_map_blocked(
            Int32(output.channels), Int32(output.height), Int32(output.width), 0)
        let kernel = try ConvolutionKernel(
            self, layer: parameters, algorithm: algorithm, input: inputMap, output: outputMap,
            residual: nil, numerics: numerics,
            instructionSet: instructionSet, pictureCount: 1, threadCount: pool.threadCount)
        let packed = try AlignedMemory(count: kernel.packedCount)
        kernel.pack(into: packed.base, weight: weight, bias: bias, pool: pool, watch: nil)
        let source = try AlignedMemory(count: Int(inputMap.image))
        let target = try AlignedMemory(count: Int(outputMap.image))
        let workers = try ConvolutionWorkers(pool, scratchCount: kernel.scratchCount)
        input.withUnsafeBufferPointer {
            orepa_map_read(&inputMap, $0.baseAddress!, source.base, nil)
        }
        kernel.run(
            weights: packed.base, input: source.base, residual: nil, output: target.base,
            workers: workers, number: workers.nextRuns(1), threads: .all(pool), watch: nil)
        // Memory: checked by nobody: for tests and measurements, which no host calls.
        let values = [Float](unsafeUninitializedCapacity: output.elementCount) {
            buffer, initialized in
            orepa_map_write(&outputMap, target.base, buffer.baseAddress!, nil)
            initialized = output.elementCount
        }
        return (output, values)
    }
}
