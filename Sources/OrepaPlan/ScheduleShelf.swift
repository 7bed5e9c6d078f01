import Synchronization

/// The schedules that a plan has been run by, each made once: how its choices are cut for a number of pictures and
/// threads.
///
/// A list that only grows, without a lock: any thread may look or add at any time, also one of a process that was forked
/// meanwhile. What two threads make at a time is kept once.
final class ScheduleShelf: Sendable {
    private final class Entry: Sendable {
        let schedule: PlanBlueprint
        let next = AtomicLazyReference<Entry>()

        init(_ schedule: PlanBlueprint) { self.schedule = schedule }
    }

    private let first = AtomicLazyReference<Entry>()

    /// No more are kept: calls come in few sizes, while questions for memory may be about any.
    private static let mostEntries = 32

    /// - Parameter choice: The plan's own blueprint.
    /// - Throws: What ``PlanBlueprint/rescheduled(pictureCount:threadCount:)`` throws.
    func schedule(
        pictureCount: Int, threadCount: Int, of choice: PlanBlueprint
    ) throws(PlanError) -> PlanBlueprint {
        func fits(_ schedule: PlanBlueprint) -> Bool {
            schedule.pictureCount == pictureCount && schedule.threadCount == threadCount
        }
        if fits(choice) { return choice }
        var last: Entry?
        var count = 0
        var entry = first.load()
        while let found = entry {
            if fits(found.schedule) { return found.schedule }
            (last, entry) = (found, found.next.load())
            count += 1
        }
        let made = try choice.rescheduled(pictureCount: pictureCount, threadCount: threadCount)
        let added = Entry(made)
        while count < ScheduleShelf.mostEntries {
            let winner = last.map { $0.next.storeIfNil(added) } ?? first.storeIfNil(added)
            if winner === added || fits(winner.schedule) { return winner.schedule }
            (last, count) = (winner, count + 1)
        }
        return made
    }
}
