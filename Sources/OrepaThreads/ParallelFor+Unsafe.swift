import OrepaSystem
import Synchronization

/// Threads that the host brings: a loop whose turns it runs side by side.
public struct ParallelFor: Sendable {
    /// How many turns a loop has at most: as many as there are threads to run them.
    public let threadCount: Int
    private let loop: @Sendable (_ count: Int, _ turn: @Sendable (_ index: Int) -> Void) -> Void

    /// - Parameters:
    ///   - threadCount: How many threads will usually take part, the calling one included.
    ///   - loop: Calls `turn` once with each index in `0..<count`, on whatever threads it likes, one after the other
    ///     too, and returns when all have returned. It is called a few times for each layer, or once for a
    ///     few pictures of a batch, which each thread then runs alone, from the thread that called the model, and by
    ///     several threads at a time where calls overlap. With Dispatch:
    ///     `ParallelFor(threadCount: 4) { DispatchQueue.concurrentPerform(iterations: $0, execute: $1) }`.
    public init(
        threadCount: Int,
        _ loop:
            @escaping @Sendable (
                _ count: Int, _ turn: @Sendable (_ index: Int) -> Void
            ) -> Void
    ) {
        self.threadCount = threadCount
        self.loop = loop
    }

    /// Where the turns of one loop find their items.
    private struct Items: ~Copyable {
        let next = Atomic<Int>(0)
        let count: Int
        let call: UnsafeRawPointer
        let watch: CallWatch?
        let body: WorkerPool.Body

        func run(worker: Int) {
            while true {
                let item = next.add(1, ordering: .relaxed).oldValue
                guard item < count else { return }
                if let watch, watch.look() { return }
                body(call, item, worker)
            }
        }
    }

    /// As ``WorkerPool/run(_:_:_:)``. A turn is one worker and claims items until there are none left, so a loop that
    /// leaves out turns leaves out no item.
    func run(
        _ itemCount: Int, threadCount: Int, _ call: UnsafeRawPointer, _ watch: CallWatch?,
        _ body: WorkerPool.Body
    ) {
        let items = Items(count: itemCount, call: call, watch: watch, body: body)
        withUnsafePointer(to: items) { items in
            nonisolated(unsafe) let items = items
            loop(min(threadCount, itemCount)) { worker in
                guard 0..<threadCount ~= worker else { return }
                withStandardArithmetic { items.pointee.run(worker: worker) }
            }
            items.pointee.run(worker: 0)
        }
    }
}
