import COrepaKernels
import OrepaNetwork

extension Network {
    /// Runs the network once on one picture, `[C, height, width]` to logits `[classes]`, with the same bits as a
    /// ``Plan`` gives, but with the weights of one layer packed at a time: for checking a network without the
    /// memory of a plan.
    ///
    /// - Throws: ``PlanError`` when the network cannot take an input of that size, or for want of memory.
    public func evaluate(
        _ picture: [Float], height: Int, width: Int, numerics: Numerics = .strict,
        instructionSet: InstructionSet = .current, pool: WorkerPool
    ) throws(PlanError) -> [Float] {
        precondition(
            picture.count == graph.inputChannels * height * width,
            "input must be [C, height, width]")
        let layout: PlanLayout
        do {
            layout = try PlanLayout(graph, height: height, width: width)
        } catch { throw .network(error) }
        let arena = try AlignedMemory(count: layout.arenaCount)
        picture.withUnsafeBufferPointer { picture in
            withUnsafePointer(to: layout.input.map) {
                orepa_map_read($0, picture.baseAddress!, arena.base + layout.input.offset)
            }
        }
        for lowered in layout.steps {
            let step = Plan.Step(
                lowered, layout: layout, numerics: numerics, instructionSet: instructionSet,
                threadCount: pool.threadCount)
            _ = try Plan.Step.pack([step], of: [lowered], network: self, pool: pool)
            let scratch = try AlignedMemory(count: step.scratchCount(threadCount: pool.threadCount))
            step.run(
                arena: arena.base, scratch: scratch.base, isa: instructionSet.isa, pool: pool)
        }
        return [Float](unsafeUninitializedCapacity: graph.classCount) { logits, initialized in
            withUnsafePointer(to: layout.logits.map) {
                orepa_map_write($0, arena.base + layout.logits.offset, logits.baseAddress!)
            }
            initialized = graph.classCount
        }
    }
}
