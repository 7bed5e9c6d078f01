/// Who does the items of a step.
@usableFromInline
package enum StepThreads {
    /// All threads of a pool.
    case all(WorkerPool)
    /// The calling thread, which is this worker of the pool.
    case one(worker: Int, pool: WorkerPool)

    /// As ``WorkerPool/run(_:_:watch:_:)``. The one thread is inside an item of the pool's, which has set its arithmetic.
    @inlinable
    package func run<Call>(
        _ itemCount: Int, _ call: Call, watch: CallWatch?, _ body: WorkerPool.Body
    ) {
        switch self {
        case .all(let pool): pool.run(itemCount, call, watch: watch, body)
        case .one(let worker, let pool):
            // In the order in which the worker takes items of the pool, by which kernels prefetch.
            let descends = pool.takesItemsFromTheBack(worker: worker)
            withUnsafePointer(to: call) { call in
                for item in 0..<itemCount {
                    if let watch, watch.look() { return }
                    body(call, descends ? itemCount - 1 - item : item, worker)
                }
            }
        }
    }
}
