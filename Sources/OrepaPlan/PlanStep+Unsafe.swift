import COrepaKernels

extension Plan.Step {
    /// A kernel's call as the threads share it: its shape, where it reads and where it writes.
    private struct Call<Shape> {
        let shape: Shape
        let isa: orepa_isa
        let input: UnsafePointer<Float>
        let second: UnsafePointer<Float>
        let output: UnsafeMutablePointer<Float>
        let watch: CallWatch?
    }

    /// - Parameters:
    ///   - networkInput: Where the network's input lies.
    ///   - arena: The memory that the offsets of the step's other values are in.
    ///   - weights: Packed; not read by a step that has none.
    ///   - workers: With the scratch that the step needs.
    ///   - run: A number that no earlier run of these workers had.
    ///   - watch: Ends the step early.
    func run(
        networkInput: UnsafePointer<Float>, arena: UnsafeMutablePointer<Float>,
        weights: UnsafePointer<Float>, workers: ConvolutionWorkers, run: UInt64, isa: orepa_isa,
        threads: StepThreads, watch: CallWatch?
    ) {
        func base(_ value: Plan.Value) -> UnsafePointer<Float> {
            value.isInput ? networkInput : UnsafePointer(arena + value.offset)
        }
        let input = base(self.input)
        let output = arena + self.output.offset
        switch operation {
        case .convolution(let kernel, _, let residual):
            kernel.run(
                weights: weights, input: input,
                residual: residual.map(base),
                output: output, workers: workers, number: run, threads: threads, watch: watch)
        case .maxPool(let shape):
            let items = withUnsafePointer(to: shape) { orepa_max_pool_items($0) }
            let call = Call(
                shape: shape, isa: isa, input: input, second: input, output: output, watch: watch)
            threads.run(Int(items), call, watch: watch) { call, item, _ in
                let call = call.assumingMemoryBound(to: Call<orepa_max_pool>.self).pointee
                call.watch.withStop { stop in
                    withUnsafePointer(to: call.shape) {
                        orepa_max_pool_run(
                            $0, call.isa, call.input, call.output, Int64(item), Int64(item) + 1,
                            stop)
                    }
                }
            }
        case .addReLU(let shape, let second):
            let items = withUnsafePointer(to: shape) { orepa_addition_items($0) }
            let call = Call(
                shape: shape, isa: isa, input: input, second: base(second), output: output,
                watch: watch)
            threads.run(Int(items), call, watch: watch) { call, item, _ in
                let call = call.assumingMemoryBound(to: Call<orepa_addition>.self).pointee
                withUnsafePointer(to: call.shape) {
                    orepa_addition_run(
                        $0, call.isa, call.input, call.second, call.output, Int64(item),
                        Int64(item) + 1)
                }
            }
        case .globalAveragePool(let shape):
            let items = withUnsafePointer(to: shape) { orepa_average_pool_items($0) }
            let call = Call(
                shape: shape, isa: isa, input: input, second: input, output: output, watch: watch)
            threads.run(Int(items), call, watch: watch) { call, item, _ in
                let call = call.assumingMemoryBound(to: Call<orepa_average_pool>.self).pointee
                call.watch.withStop { stop in
                    withUnsafePointer(to: call.shape) {
                        orepa_average_pool_run(
                            $0, call.isa, call.input, call.output, Int64(item), Int64(item) + 1,
                            stop)
                    }
                }
            }
        }
    }
}
