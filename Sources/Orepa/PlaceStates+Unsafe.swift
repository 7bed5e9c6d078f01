import OrepaSystem
import Synchronization

/// What is done with each place of a batch, by which no two threads use one at the same time.
final class PlaceStates: Sendable {
    enum State: UInt8 {
        case empty
        case preparing
        case prepared
        case running

        /// What a place was found to hold that another call is to use.
        var description: String {
            switch self {
            case .empty: "none"
            case .preparing: "one that is being prepared"
            case .prepared: "a prepared one"
            case .running: "one that is being run"
            }
        }
    }

    private typealias Slot = Atomic<UInt8>
    private nonisolated(unsafe) let slots: UnsafeMutablePointer<Slot>
    private nonisolated(unsafe) let files: UnsafeMutablePointer<PreparedPicture>
    private let count: Int

    /// All empty.
    init(count: Int) throws(OrepaError) {
        try OrepaError.check(
            count: count, size: MemoryLayout<Slot>.stride + MemoryLayout<PreparedPicture>.stride)
        self.count = count
        // Memory: checked above.
        slots = .allocate(capacity: count)
        for place in 0..<count { (slots + place).initialize(to: Slot(State.empty.rawValue)) }
        // Memory: checked above.
        files = .allocate(capacity: count)
        files.initialize(repeating: .pixels, count: count)
    }

    deinit {
        slots.deinitialize(count: count)
        slots.deallocate()
        files.deinitialize(count: count)
        files.deallocate()
    }

    /// Takes a place to prepare a picture there, unless another call uses it; the place is then the caller's.
    ///
    /// - Returns: What is in the way.
    func beginPreparing(_ place: Int) -> State? {
        var found = State.empty
        while true {
            let (taken, other) = exchange(place, found, .preparing)
            if taken { return nil }
            guard other == .empty || other == .prepared else { return other }
            found = other
        }
    }

    /// - Parameter file: Of the picture; nil where there is none.
    func endPreparing(_ place: Int, _ file: PreparedPicture?) {
        files[place] = file ?? .pixels
        set(place, file == nil ? .empty : .prepared)
    }

    /// Takes places to run them, all or none.
    ///
    /// - Returns: The first that has no prepared picture, and what it has.
    func beginRunning(_ places: Range<Int>) -> (place: Int, found: State)? {
        for place in places {
            let (taken, other) = exchange(place, .prepared, .running)
            if taken { continue }
            endRunning(places.lowerBound..<place)
            return (place, other)
        }
        return nil
    }

    func endRunning(_ places: Range<Int>) { for place in places { set(place, .prepared) } }

    /// Of the picture at a place that the caller has taken.
    func file(_ place: Int) -> PreparedPicture { files[place] }

    private func exchange(_ place: Int, _ old: State, _ new: State) -> (Bool, State) {
        let (taken, found) = slots[place].compareExchange(
            expected: old.rawValue, desired: new.rawValue, ordering: .acquiringAndReleasing)
        return (taken, State(rawValue: found)!)
    }

    private func set(_ place: Int, _ state: State) {
        slots[place].store(state.rawValue, ordering: .releasing)
    }
}
