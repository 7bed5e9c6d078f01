import CHostCalls
import Glibc
import Orepa
import OrepaNetwork
import OrepaPlan

/// Forks again and again while another thread is inside calls to the same pool, and counts the children that
/// classify as the parent does, with as many threads, and end by themselves.
struct ForkProbe {
    private let plan: Plan
    private let pool: WorkerPool
    private let context: PlanContext
    private let input: [Float]

    private static let childCount = 20
    private static let threadCount = 2
    /// Seconds after which the system ends a child that hangs.
    private static let patience: UInt32 = 20

    init(modelPath: String) throws {
        let model = try ModelFile(path: modelPath)
        let crop = model.description.preprocessing.crop
        pool = WorkerPool(threadCount: ForkProbe.threadCount)
        plan = try Plan(model.network, height: crop, width: crop, pool: pool)
        context = try PlanContext(plan, pool: pool)
        input = (0..<3 * crop * crop).map { Float($0 % 17) / 17 }
    }

    func run() throws {
        let expected = bits(context)
        try startBusyThread()
        var children: [pid_t] = []
        for index in 0..<ForkProbe.childCount {
            usleep(UInt32(index) * 300)
            let child = orepa_host_fork()
            if child == 0 {
                alarm(ForkProbe.patience)
                // Every other child forks again before it has used the pool.
                let grandchild = index % 2 == 0 ? 0 : orepa_host_fork()
                if grandchild > 0 {
                    exit(ForkProbe.passed(grandchild) && isRight(expected) ? 0 : 1)
                }
                exit(isRight(expected) ? 0 : 1)
            }
            if child > 0 { children.append(child) }
        }
        print("children \(children.count)")
        print("children_that_passed \(children.filter(ForkProbe.passed).count)")
        // The busy thread is still at it.
        fflush(nil)
        _exit(0)
    }

    private func bits(_ context: PlanContext) -> [UInt32] {
        context.run(input, count: 1).map(\.bitPattern)
    }

    /// In a child: with the parent's context, with a new one, and with a pool that ends in the child.
    private func isRight(_ expected: [UInt32]) -> Bool {
        guard bits(context) == expected, bits(context) == expected else { return false }
        guard ForkProbe.runningThreads == ForkProbe.threadCount else { return false }
        guard let other = try? PlanContext(plan, pool: WorkerPool(threadCount: 3)) else {
            return false
        }
        return bits(other) == expected
    }

    private static func passed(_ child: pid_t) -> Bool {
        var status: Int32 = -1
        return waitpid(child, &status, 0) == child && status == 0
    }

    private static var runningThreads: Int {
        guard let folder = opendir("/proc/self/task") else { return -1 }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) {
            // All but "." and "..".
            if entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
        }
        return count
    }

    private final class Busy: Sendable {
        nonisolated(unsafe) let context: PlanContext
        let input: [Float]
        init(_ context: PlanContext, _ input: [Float]) {
            self.context = context
            self.input = input
        }
    }

    /// A thread that runs the network on the same pool for as long as the program lasts.
    private func startBusyThread() throws {
        let busy = Unmanaged.passRetained(Busy(try PlanContext(plan, pool: pool), input))
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { pointer in
                let busy = Unmanaged<Busy>.fromOpaque(pointer!).takeRetainedValue()
                while true { _ = busy.context.run(busy.input, count: 1) }
            }, busy.toOpaque())
        guard status == 0 else { exit(1) }
    }
}
