import COrepaKernels
import OrepaNetwork
import OrepaThreads

/// A convolution with its kernels chosen. Immutable.
final class ConvolutionKernel: @unchecked Sendable {
    /// At one address for as long as the instance lives, since the kernels take a pointer to it.
    let plan: UnsafePointer<orepa_convolution_plan>

    /// Elements of scratch memory of each thread.
    var scratchCount: Int { plan.pointee.worker_floats }
    /// Elements of the packed weights and bias.
    var packedCount: Int { plan.pointee.packed_floats }
    /// How the output is cut into tiles, for people.
    var tiles: String {
        // Memory: small.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 80) { text in
            orepa_convolution_write_tiles(plan, text.baseAddress, text.count)
            return String(cString: text.baseAddress!)
        }
    }
    /// Of one run, as the kernels do them.
    var multiplyAccumulates: Int {
        Int(orepa_convolution_multiply_adds(plan)) / Int(plan.pointee.shape.images)
    }

    /// - Parameters:
    ///   - layer: Name of the layer, for the error.
    ///   - algorithm: How to compute it; nil to choose by its shape and the numerics.
    /// - Throws: ``PlanError/algorithm(layer:_:)`` when the algorithm does not take the convolution,
    ///   ``PlanError/network(_:)`` with ``NetworkError/sumTooLong(node:)`` when it takes sums that are too long.
    init(
        _ convolution: Convolution, layer: String, algorithm: LayerAlgorithm?, input: orepa_map,
        output: orepa_map, residual: orepa_map?,
        numerics: Numerics, instructionSet: InstructionSet, pictureCount: Int, threadCount: Int
    ) throws(PlanError) {
        let shape = orepa_convolution(
            input: input, output: output, residual: residual ?? output, images: Int32(pictureCount),
            kernel: Int32(convolution.kernel), stride: Int32(convolution.stride),
            padding: Int32(convolution.padding), groups: Int32(convolution.groups),
            relu: convolution.activation == .relu,
            has_residual: residual != nil, threads: Int32(threadCount))
        // Memory: checked for each node of the graph.
        let plan = UnsafeMutablePointer<orepa_convolution_plan>.allocate(capacity: 1)
        plan.initialize(to: orepa_convolution_plan())
        let isPlanned = withUnsafePointer(to: shape) { shape in
            if let algorithm {
                (numerics == .fast || algorithm.isStrict)
                    && ConvolutionKernel.prepare(shape, algorithm, instructionSet.isa, plan)
            } else {
                ConvolutionKernel.algorithms(for: convolution, numerics: numerics)
                    .contains {
                        orepa_convolution_prepare(shape, $0, instructionSet.isa, nil, plan)
                    }
            }
        }
        guard isPlanned else {
            plan.deallocate()
            if let algorithm { throw .algorithm(layer: layer, algorithm) }
            // The direct algorithm takes every other shape that a validated network and this type's maps can have.
            throw .network(.sumTooLong(node: layer))
        }
        self.plan = UnsafePointer(plan)
    }

    private init(_ plan: UnsafePointer<orepa_convolution_plan>) { self.plan = plan }

    /// The same choices, cut for other numbers of pictures and threads: it reads the same packed weights.
    ///
    /// - Throws: ``PlanError/algorithm(layer:_:)`` when the algorithm does not take so many pictures.
    func rescheduled(
        layer: String, pictureCount: Int, threadCount: Int
    ) throws(PlanError) -> ConvolutionKernel {
        // Memory: checked for each node of the graph.
        let made = UnsafeMutablePointer<orepa_convolution_plan>.allocate(capacity: 1)
        made.initialize(to: orepa_convolution_plan())
        guard orepa_convolution_reschedule(plan, Int32(pictureCount), Int32(threadCount), made)
        else {
            made.deallocate()
            throw .algorithm(layer: layer, layerAlgorithm)
        }
        return ConvolutionKernel(UnsafePointer(made))
    }

    deinit { plan.deallocate() }

    /// The best algorithm first; one that does not take the convolution's shape is passed over. They follow
    /// from the convolution and the numerics alone, since they decide the bits of the result.
    private static func algorithms(
        for convolution: Convolution, numerics: Numerics
    ) -> [orepa_algorithm] {
        var algorithms = [orepa_grouped, orepa_direct]
        if numerics == .fast {
            algorithms.insert(orepa_stem, at: 0)
            if isWorthTransforming(convolution) { algorithms.insert(orepa_winograd, at: 0) }
        }
        return algorithms
    }

    private static func isWorthTransforming(_ convolution: Convolution) -> Bool {
        convolution.kernel == 3 && convolution.inputChannels >= 16
            && convolution.outputChannels >= 16
    }

    private static func prepare(
        _ shape: UnsafePointer<orepa_convolution>, _ algorithm: LayerAlgorithm, _ isa: orepa_isa,
        _ plan: UnsafeMutablePointer<orepa_convolution_plan>
    ) -> Bool {
        switch algorithm {
        case .direct: return orepa_convolution_prepare(shape, orepa_direct, isa, nil, plan)
        case .grouped: return orepa_convolution_prepare(shape, orepa_grouped, isa, nil, plan)
        case .stem: return orepa_convolution_prepare(shape, orepa_stem, isa, nil, plan)
        case .winograd(let rows, let columns):
            var (rows, columns) = (orepa_winograd_split(rows), orepa_winograd_split(columns))
            return orepa_convolution_prepare_winograd(shape, &rows, &columns, isa, nil, plan)
        }
    }

    /// How it is computed: what was asked for, or what was chosen.
    var layerAlgorithm: LayerAlgorithm {
        switch plan.pointee.algorithm {
        case orepa_winograd:
            .winograd(
                rows: WinogradTiles(plan.pointee.winograd.rows),
                columns: WinogradTiles(plan.pointee.winograd.columns))
        case orepa_stem: .stem
        case orepa_grouped: .grouped
        default: .direct
        }
    }

    private struct PackCall {
        let plan: UnsafePointer<orepa_convolution_plan>
        let weight: UnsafePointer<Float>
        let bias: UnsafePointer<Float>
        let packed: UnsafeMutablePointer<Float>
        let watch: CallWatch?
    }

    /// Packs weights for ``run(weights:input:residual:output:workers:number:threads:)``, of any number of pictures.
    ///
    /// - Parameters:
    ///   - packed: ``packedCount`` floats, aligned to 64 bytes.
    ///   - weight: `[O, I / g, k, k]`; a linear layer's `[O, I]` is that of a 1x1 convolution.
    ///   - bias: `[O]`.
    ///   - watch: Ends the packing early.
    func pack(
        into packed: UnsafeMutablePointer<Float>, weight: Tensor, bias: Tensor, pool: WorkerPool,
        watch: CallWatch?
    ) {
        weight.withUnsafeBufferPointer { weight in
            bias.withUnsafeBufferPointer { bias in
                let call = PackCall(
                    plan: plan, weight: weight.baseAddress!, bias: bias.baseAddress!,
                    packed: packed, watch: watch)
                pool.run(Int(plan.pointee.pack_items), call, watch: watch) { call, item, _ in
                    let call = call.assumingMemoryBound(to: PackCall.self).pointee
                    call.watch.withStop { stop in
                        orepa_convolution_pack(
                            call.plan, call.weight, call.bias, call.packed, Int64(item),
                            Int64(item) + 1, stop)
                    }
                }
            }
        }
    }

    private struct RunCall {
        let plan: UnsafePointer<orepa_convolution_plan>
        let buffers: orepa_convolution_buffers
        let workers: UnsafeMutablePointer<orepa_convolution_worker>
    }

    /// - Parameters:
    ///   - weights: Packed by ``pack(into:weight:bias:pool:)``.
    ///   - workers: As many as the pool has threads, with ``scratchCount`` floats each.
    ///   - number: One that no earlier run of these workers had.
    ///   - watch: Ends the run early.
    func run(
        weights: UnsafePointer<Float>,
        input: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
        output: UnsafeMutablePointer<Float>, workers: ConvolutionWorkers, number: UInt64,
        threads: StepThreads, watch: CallWatch?
    ) {
        let call = RunCall(
            plan: plan,
            buffers: orepa_convolution_buffers(
                packed: weights, input: input, residual: residual, output: output,
                serial: number),
            workers: workers.first)
        threads.run(Int(plan.pointee.items), call, watch: watch) { pointer, item, worker in
            let call = pointer.assumingMemoryBound(to: RunCall.self)
            withUnsafePointer(to: call.pointee.buffers) { buffers in
                orepa_convolution_run(
                    call.pointee.plan, buffers, call.pointee.workers + worker, Int64(item),
                    Int64(item) + 1)
            }
        }
    }
}

extension WinogradTiles {
    fileprivate init(_ split: orepa_winograd_split) {
        let count = split.count
        self.init(counts: [count.1, count.2, count.3, count.4].map(Int.init))
    }
}

extension orepa_winograd_split {
    fileprivate init(_ tiles: WinogradTiles) {
        let counts = tiles.counts.map(Int32.init)
        self.init(count: (0, counts[0], counts[1], counts[2], counts[3]))
    }
}

extension Int {
    func roundedUp(to multiple: Int) -> Int { (self + multiple - 1) / multiple * multiple }
}
