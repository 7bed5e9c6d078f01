import COrepaKernels
import OrepaNetwork
import OrepaThreads

/// The memory in which a ``Plan`` runs, one call at a time. Allocated once: a call allocates nothing.
public final class PlanContext {
    /// What it runs.
    public let plan: Plan
    /// How many pictures run at a time where a call brings as many: what is good to bring at once.
    public let picturesTogether: Int
    private let pool: WorkerPool
    private let layout: BatchLayout
    /// The feature maps, then weights that are packed for one step.
    private let memory: AlignedMemory
    private let workers: ConvolutionWorkers
    /// Of the call that runs, if it has limits.
    private let watch = CallWatch()

    /// Allocates ``Plan/contextByteCount(threadCount:batch:)`` bytes. Contexts may share a pool: where calls overlap,
    /// one has the workers for a step and the others run theirs on their own threads.
    ///
    /// - Parameter batch: How many pictures a call will bring. With as many as the pool has threads, or twice as many,
    ///   each thread runs pictures of its own. With fewer, and with ``PlanMemory/small``, threads share each layer of up
    ///   to four pictures. That takes less time, since weights are read once for some pictures, and more memory. It
    ///   changes no bit of the logits. Where the plan's budget does not allow that memory, fewer are run at a time.
    /// - Throws: ``PlanError/outOfMemory(byteCount:)`` when the system refuses them.
    public init(_ plan: Plan, batch: Int = 1, pool: WorkerPool) throws(PlanError) {
        self.plan = plan
        self.pool = pool
        layout = try BatchLayout(plan, batch: batch, threadCount: pool.threadCount)
        picturesTogether = layout.picturesTogether
        memory = try AlignedMemory(
            count: layout.arenaCount + plan.blueprint.packingCount(plan.memory))
        workers = try ConvolutionWorkers(pool, scratchCount: layout.scratchCount)
    }

    /// Bytes of memory that the context has allocated.
    package var allocatedByteCount: Int {
        (memory.count + workers.allocatedCount) * MemoryLayout<Float>.size
    }

    /// Runs the network on `count` pictures.
    ///
    /// - Parameters:
    ///   - input: `[count, C, H, W]`, Float32, row-major, normalised.
    ///   - logits: `[count, classes]`, Float32, row-major.
    /// - Precondition: the buffers hold exactly that many values.
    public func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, logits: UnsafeMutableBufferPointer<Float>
    ) {
        run(input, count: count, logits: logits, maps: [], watch: nil)
    }

    /// As ``run(_:count:logits:)``, with feature maps beside the logits, and ended early where a limit says so.
    ///
    /// - Parameters:
    ///   - maps: Copied right after the step that makes them.
    ///   - limits: Looked at while each step runs, so that a call ends some milliseconds after it has reached one. What is
    ///     in the outputs after an error has no meaning.
    /// - Throws: ``PlanError/cancelled``, ``PlanError/deadlineExceeded``.
    /// - Precondition: the buffers hold exactly as many values as are read and written.
    public func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, logits: UnsafeMutableBufferPointer<Float>,
        maps: [FeatureMapOutput] = [], limits: CallLimits
    ) throws(PlanError) {
        if limits.isNone {
            run(input, count: count, logits: logits, maps: maps, watch: nil)
            return
        }
        watch.begin(limits)
        run(input, count: count, logits: logits, maps: maps, watch: watch)
        if let stop = watch.stop { throw PlanError(stop) }
    }

    /// Runs the network on the pictures at some places of `input`, where they lie: nothing is copied.
    ///
    /// - Parameters:
    ///   - input: Made for a plan of the same network and size.
    ///   - places: Which of its pictures.
    ///   - logits: `[places, classes]`, Float32, row-major.
    ///   - maps: Copied right after the step that makes them.
    ///   - limits: As for ``run(_:count:logits:maps:limits:)``.
    /// - Throws: ``PlanError/cancelled``, ``PlanError/deadlineExceeded``.
    /// - Precondition: the buffers hold exactly as many values as are written, and the input has those places.
    public func run(
        _ input: PlanInput, places: Range<Int>, logits: UnsafeMutableBufferPointer<Float>,
        maps: [FeatureMapOutput] = [], limits: CallLimits
    ) throws(PlanError) {
        precondition(input.fits(plan), "the input must be laid out for the plan")
        precondition(places.lowerBound >= 0 && places.upperBound <= input.capacity)
        let source = Source.laidOut(input.picture(places.lowerBound))
        if limits.isNone {
            run(source, count: places.count, logits: logits, maps: maps, watch: nil)
            return
        }
        watch.begin(limits)
        run(source, count: places.count, logits: logits, maps: maps, watch: watch)
        if let stop = watch.stop { throw PlanError(stop) }
    }

    /// The same, allocating nothing.
    ///
    /// - Parameter maps: In the order of their steps, each step once.
    package func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, logits: UnsafeMutableBufferPointer<Float>,
        sortedMaps maps: UnsafeBufferPointer<FeatureMapOutput>, limits: CallLimits
    ) throws(PlanError) {
        if limits.isNone {
            run(input, count: count, logits: logits, sortedMaps: maps, watch: nil)
            return
        }
        watch.begin(limits)
        run(input, count: count, logits: logits, sortedMaps: maps, watch: watch)
        if let stop = watch.stop { throw PlanError(stop) }
    }

    /// `input [count, C, H, W]` to logits `[count, classes]`, both row-major.
    public func run(_ input: [Float], count: Int) -> [Float] {
        run(input, count: count, watch: nil)
    }

    /// The same, ended early where a limit says so.
    ///
    /// - Throws: ``PlanError/cancelled``, ``PlanError/deadlineExceeded``.
    public func run(
        _ input: [Float], count: Int, limits: CallLimits
    ) throws(PlanError) -> [Float] {
        if limits.isNone { return run(input, count: count, watch: nil) }
        watch.begin(limits)
        let logits = run(input, count: count, watch: watch)
        if let stop = watch.stop { throw PlanError(stop) }
        return logits
    }

    private func run(_ input: [Float], count: Int, watch: CallWatch?) -> [Float] {
        let logitCount = count * plan.graph.classCount
        // Memory: checked by the probe; others bring memory of their own.
        return [Float](unsafeUninitializedCapacity: logitCount) { logits, initialized in
            // What a call that ends early leaves.
            if watch != nil { logits.initialize(repeating: 0) }
            input.withUnsafeBufferPointer {
                run(
                    $0, count: count,
                    logits: UnsafeMutableBufferPointer(rebasing: logits[..<logitCount]), maps: [],
                    watch: watch)
            }
            initialized = logitCount
        }
    }

    /// Runs `count` pictures, `input [count, C, H, W]`, one after the other, each layer on all threads, and calls
    /// `stepEnded` each time a step has ended, with its index in ``Plan/stepDescriptions``; with nil when a picture has
    /// been laid out for the first one. For measuring where the time goes.
    public func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, stepEnded: (_ index: Int?) -> Void
    ) {
        precondition(input.count == count * pictureElementCount, "input must be [count, C, H, W]")
        let blueprint = layout.shared.last ?? layout.separate.last!
        for index in 0..<count {
            let source = Source.contiguous(input.baseAddress! + index * pictureElementCount)
            let networkInput = read(source, blueprint, memory.base, watch: nil)
            stepEnded(nil)
            for step in blueprint.steps.indices {
                runShared(step, blueprint, networkInput, watch: nil)
                stepEnded(step)
            }
        }
    }

    // MARK: How a call is run

    /// Where pictures are that a call brings.
    private enum Source {
        /// Those of `[count, C, H, W]`, to be laid out.
        case contiguous(UnsafePointer<Float>)
        /// Of a ``PlanInput``.
        case laidOut(UnsafePointer<Float>)
    }

    /// What a call reads and writes, from some picture on.
    private struct Buffers {
        var input: Source
        var logits: UnsafeMutablePointer<Float>
        /// Index of the picture, for the maps.
        var index: Int
        let maps: UnsafeBufferPointer<FeatureMapOutput>
    }

    private func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, logits: UnsafeMutableBufferPointer<Float>,
        maps: [FeatureMapOutput], watch: CallWatch?
    ) {
        let maps = maps.isEmpty ? maps : maps.sorted { $0.step < $1.step }
        maps.withUnsafeBufferPointer {
            run(input, count: count, logits: logits, sortedMaps: $0, watch: watch)
        }
    }

    private func run(
        _ input: UnsafeBufferPointer<Float>, count: Int, logits: UnsafeMutableBufferPointer<Float>,
        sortedMaps maps: UnsafeBufferPointer<FeatureMapOutput>, watch: CallWatch?
    ) {
        precondition(input.count == count * pictureElementCount, "input must be [count, C, H, W]")
        guard let start = input.baseAddress else { return }
        run(.contiguous(start), count: count, logits: logits, sortedMaps: maps, watch: watch)
    }

    private func run(
        _ source: Source, count: Int, logits: UnsafeMutableBufferPointer<Float>,
        maps: [FeatureMapOutput], watch: CallWatch?
    ) {
        let maps = maps.isEmpty ? maps : maps.sorted { $0.step < $1.step }
        maps.withUnsafeBufferPointer {
            run(source, count: count, logits: logits, sortedMaps: $0, watch: watch)
        }
    }

    /// - Parameter maps: In order, so that a step finds those that are its own.
    private func run(
        _ source: Source, count: Int, logits: UnsafeMutableBufferPointer<Float>,
        sortedMaps maps: UnsafeBufferPointer<FeatureMapOutput>, watch: CallWatch?
    ) {
        precondition(logits.count == count * classCount, "logits must be [count, classes]")
        for map in maps {
            precondition(
                map.buffer.count == count * elementCount(ofStep: map.step),
                "feature maps must be [count, C, H, W]")
        }
        guard count > 0, watch?.look() != true else { return }
        pool.prepare()
        var buffers = Buffers(
            input: source, logits: logits.baseAddress!, index: 0, maps: maps)
        while buffers.index < count, watch?.stop == nil {
            let part = layout.part(of: count - buffers.index)
            switch part {
            case .shared(let blueprint): runShared(blueprint, buffers, watch)
            case .separate(let blueprint, let runs):
                runSeparately(blueprint, runs: runs, buffers, watch)
            }
            move(&buffers, by: part.pictureCount)
        }
    }

    private func move(_ buffers: inout Buffers, by count: Int) {
        switch buffers.input {
        case .contiguous(let start):
            buffers.input = .contiguous(start + count * pictureElementCount)
        case .laidOut(let start):
            buffers.input = .laidOut(start + count * Int(plan.blueprint.input.map.image))
        }
        buffers.logits += count * classCount
        buffers.index += count
    }

    // MARK: Threads that share each layer

    private func runShared(
        _ blueprint: PlanBlueprint, _ buffers: Buffers, _ watch: CallWatch?
    ) {
        let networkInput = read(buffers.input, blueprint, memory.base, watch: watch)
        for step in blueprint.steps.indices {
            // Small steps on one thread look nowhere else.
            if let watch, watch.look() { return }
            runShared(step, blueprint, networkInput, watch: watch)
            write(mapsOf: step, buffers, blueprint, memory.base, watch: watch)
        }
        write(
            blueprint.logits, buffers.logits, size: classCount, blueprint, memory.base, watch: watch
        )
    }

    private func runShared(
        _ step: Int, _ blueprint: PlanBlueprint, _ networkInput: UnsafePointer<Float>,
        watch: CallWatch?
    ) {
        let weights = plan.weights.ready(
            step, packingInto: memory.base + layout.arenaCount, pool: pool, watch: watch)
        run(
            blueprint.steps[step], networkInput: networkInput, arena: memory.base,
            weights: weights, number: workers.nextRuns(1), threads: .all(pool), watch: watch)
    }

    private func run(
        _ step: Plan.Step, networkInput: UnsafePointer<Float>, arena: UnsafeMutablePointer<Float>,
        weights: UnsafePointer<Float>, number: UInt64, threads: StepThreads, watch: CallWatch?
    ) {
        let memory = StepMemory(networkInput: networkInput, arena: arena)
        step.operation.run(
            StepCall(
                input: memory.base(of: step.input), output: arena + step.output.offset,
                memory: memory, weights: weights, workers: workers, number: number,
                isa: plan.instructionSet.isa, threads: threads, watch: watch))
    }

    // MARK: Threads with pictures of their own

    /// Some threads' runs of a blueprint as they share it.
    private struct SeparateCall {
        let context: Unmanaged<PlanContext>
        let blueprint: PlanBlueprint
        let buffers: Buffers
        let watch: CallWatch?
        /// The number of the first step of the first run.
        let firstRun: UInt64
    }

    private func runSeparately(
        _ blueprint: PlanBlueprint, runs: Int, _ buffers: Buffers, _ watch: CallWatch?
    ) {
        let call = SeparateCall(
            context: .passUnretained(self), blueprint: blueprint, buffers: buffers, watch: watch,
            firstRun: workers.nextRuns(runs * blueprint.steps.count))
        pool.run(runs, call, watch: watch) { call, item, worker in
            let call = call.assumingMemoryBound(to: SeparateCall.self)
            call.pointee.context._withUnsafeGuaranteedRef {
                $0.runSeparately(call, item: item, worker: worker)
            }
        }
    }

    private func runSeparately(_ call: UnsafePointer<SeparateCall>, item: Int, worker: Int) {
        let blueprint = call.pointee.blueprint
        var buffers = call.pointee.buffers
        move(&buffers, by: item * blueprint.pictureCount)
        let arena = memory.base + worker * layout.threadArenaCount
        let firstRun = call.pointee.firstRun + UInt64(item * blueprint.steps.count)
        let watch = call.pointee.watch
        let networkInput = read(buffers.input, blueprint, arena, watch: watch)
        for step in blueprint.steps.indices {
            if let watch, watch.look() { return }
            let weights = plan.weights.ready(step)
            run(
                blueprint.steps[step], networkInput: networkInput, arena: arena,
                weights: weights, number: firstRun + UInt64(step),
                threads: .one(worker: worker, pool: pool), watch: watch)
            write(mapsOf: step, buffers, blueprint, arena, watch: watch)
        }
        write(
            blueprint.logits, buffers.logits, size: classCount, blueprint, arena, watch: watch)
    }

    // MARK: Inputs and outputs

    private var pictureElementCount: Int {
        plan.graph.inputChannels * plan.height * plan.width
    }
    private var classCount: Int { plan.graph.classCount }

    /// Elements of the feature map that the step at `index` makes of one picture.
    private func elementCount(ofStep index: Int) -> Int {
        let map = plan.steps[index].output.map
        return Int(map.channels) * Int(map.height) * Int(map.width)
    }

    /// Lays out the next pictures in the arena, unless they are already.
    ///
    /// - Returns: Where they lie.
    private func read(
        _ source: Source, _ blueprint: PlanBlueprint, _ arena: UnsafeMutablePointer<Float>,
        watch: CallWatch?
    ) -> UnsafePointer<Float> {
        let input: UnsafePointer<Float>
        switch source {
        case .laidOut(let start): return start
        case .contiguous(let start): input = start
        }
        let map = blueprint.input.map
        let target = arena + blueprint.input.offset
        watch.withStop { stop in
            for picture in 0..<blueprint.pictureCount {
                withUnsafePointer(to: map) {
                    orepa_map_read(
                        $0, input + picture * pictureElementCount,
                        target + picture * Int(map.image), stop)
                }
            }
        }
        return UnsafePointer(target)
    }

    /// Copies `value` of each picture to `target`, `size` elements a picture.
    private func write(
        _ value: Plan.Value, _ target: UnsafeMutablePointer<Float>, size: Int,
        _ blueprint: PlanBlueprint, _ arena: UnsafeMutablePointer<Float>, watch: CallWatch?
    ) {
        watch.withStop { stop in
            for picture in 0..<blueprint.pictureCount {
                withUnsafePointer(to: value.map) {
                    orepa_map_write(
                        $0, arena + value.offset + picture * Int(value.map.image),
                        target + picture * size, stop)
                }
            }
        }
    }

    /// Copies what the step `step` has made to the maps that want it.
    private func write(
        mapsOf step: Int, _ buffers: Buffers, _ blueprint: PlanBlueprint,
        _ arena: UnsafeMutablePointer<Float>, watch: CallWatch?
    ) {
        for map in buffers.maps.maps(ofStep: step) {
            let size = elementCount(ofStep: step)
            write(
                blueprint.steps[step].output, map.buffer.baseAddress! + buffers.index * size,
                size: size, blueprint, arena, watch: watch)
        }
    }
}

extension UnsafeBufferPointer<FeatureMapOutput> {
    /// Those of one step, of maps in the order of their steps.
    fileprivate func maps(ofStep step: Int) -> Slice<UnsafeBufferPointer<FeatureMapOutput>> {
        let start = firstIndex(notBefore: step)
        return self[start..<firstIndex(notBefore: step + 1)]
    }

    private func firstIndex(notBefore step: Int) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].step < step { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
