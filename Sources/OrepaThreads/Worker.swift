/// One thread of a pool, besides the callers'.
///
/// A worker that the system takes off its processor in the middle of an item holds up the caller for a whole time
/// slice of the process that it shares the processor with, so two threads would be slower than one. Since who
/// computes what changes no bit, such a worker stays out for a while, each time for longer. Before it takes part
/// again it tries its processor out by spinning, which holds up nobody.
///
/// On the caller's own processor, where the system often wakes it, a worker only takes the caller's time: it moves to
/// another one, and stays out if it may not.
struct Worker {
    private let number: Int
    private let board: JobBoard
    private var share: ProcessorShare
    /// How long to stay out, in nanoseconds; 0 when the processor is the worker's own.
    private var absence: Int64 = 0

    private static let shortestAbsence: Int64 = 5_000_000
    private static let longestAbsence: Int64 = 2_000_000_000
    /// How long to try the processor out: longer than two ticks of a system with 250 in a second.
    private static let trial: Int64 = 10_000_000

    init(number: Int, board: JobBoard) {
        self.number = number
        self.board = board
        share = ProcessorShare(
            time: ThreadClock.now(), processorTime: ThreadClock.processorTime())
    }

    /// Runs items until the pool ends.
    mutating func work() {
        while !board.isStopped {
            if board.spinUntilItems() {
                if board.isOnProcessorOfCaller, !board.leaveProcessorOfCaller() {
                    stayOut()
                    continue
                }
                let completed = board.runItems(worker: number)
                if completed > 0 { board.report(completed: completed) }
                measureShare()
                if share.isContended { stayOut() }
            } else {
                board.sleepUntilBell()
                resumeShare()
            }
        }
    }

    private mutating func measureShare() {
        share.update(time: ThreadClock.now(), processorTime: ThreadClock.processorTime())
    }

    private mutating func resumeShare() {
        share.resume(time: ThreadClock.now(), processorTime: ThreadClock.processorTime())
    }

    private mutating func stayOut() {
        repeat {
            absence = min(max(2 * absence, Worker.shortestAbsence), Worker.longestAbsence)
            board.sleepUntilStopped(nanoseconds: absence)
            // Between calls nothing is tried out.
            while !board.isStopped, !board.spinUntilItems() { board.sleepUntilBell() }
        } while !board.isStopped && !hasProcessorToItself()
        absence = 0
    }

    private mutating func hasProcessorToItself() -> Bool {
        share = ProcessorShare(
            time: ThreadClock.now(), processorTime: ThreadClock.processorTime())
        var hasMoved = false
        repeat {
            for _ in 0..<64 { SpinWait.pause() }
            if board.isOnProcessorOfCaller {
                guard !hasMoved, board.leaveProcessorOfCaller() else { return false }
                hasMoved = true
            }
            measureShare()
        } while share.observed < Worker.trial && !share.isContended && !board.isStopped
        return !share.isContended
    }
}
