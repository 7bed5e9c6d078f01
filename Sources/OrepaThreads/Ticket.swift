/// A job's number and which of its items nobody has claimed, in one number that threads can exchange at once.
struct Ticket: RawRepresentable {
    /// Bits 32 to 63: the job's number. 16 to 31: where the unclaimed items begin. 0 to 15: where they end.
    let rawValue: UInt64

    /// The most items of a job.
    static let mostItems = Int(UInt16.max)

    init(rawValue: UInt64) { self.rawValue = rawValue }

    init(job: UInt64, itemCount: Int) {
        rawValue = job << 32 | UInt64(UInt16(itemCount))
    }

    /// Comes again after 2^32 jobs.
    var job: UInt64 { rawValue >> 32 }
    private var begin: UInt64 { rawValue >> 16 & 0xffff }
    private var end: UInt64 { rawValue & 0xffff }
    var isEmpty: Bool { begin == end }

    /// The first item, and the ticket without it.
    var first: (item: Int, rest: Ticket) { (Int(begin), Ticket(rawValue: rawValue + (1 << 16))) }
    /// The last item, and the ticket without it.
    var last: (item: Int, rest: Ticket) { (Int(end) - 1, Ticket(rawValue: rawValue - 1)) }
}
