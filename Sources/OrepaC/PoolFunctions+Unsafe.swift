import COrepa
import OrepaPlan
import OrepaThreads

func poolNew(_ threadCount: Int32, _ pool: UnsafeMutablePointer<OpaquePointer?>?) -> orepa_status {
    status { () throws(Failure) in
        try PoolHandle.clear(pool, "pool")
        let count = try checkedThreadCount(threadCount, "thread_count")
        let handle = PoolHandle(WorkerPool(threadCount: count ?? availableProcessorCount()))
        pool!.pointee = handle.retainedPointer()
    }
}

func poolThreadCount(_ pool: OpaquePointer?) -> Int {
    (try? PoolHandle.of(pool, "pool"))?.pool.threadCount ?? 0
}

func poolFree(_ pool: OpaquePointer?) { PoolHandle.free(pool) }
