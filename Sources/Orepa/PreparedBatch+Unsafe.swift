import OrepaNetwork
import OrepaPlan
import OrepaSystem

/// Pictures made ready for a ``Model``, in the memory that its network reads: preparing and running as two calls, so that
/// the next pictures can be prepared while those before them run.
///
/// ```swift
/// let batch = try model.makeBatch(capacity: 2)
/// try batch.prepare(.file("rose.jpg"), at: 0)
/// try batch.prepare(.file("tulip.jpg"), at: 1)
/// for answer in try batch.run(places: 0..<2) { print(try answer.top(1)) }
/// ```
///
/// Any number of threads may use one batch at a time, each other places: a place that another call is using is an
/// error. Which places a picture has, and what runs beside it, changes no bit of its answer.
public final class PreparedBatch: Sendable {
    /// The model that made it, and whose network runs it.
    public let model: Model
    /// How many pictures it has room for.
    public let capacity: Int
    private let input: PlanInput
    private let states: PlaceStates

    /// Bytes of memory that its pictures take.
    public var byteCount: Int { PlanInput.byteCount(model.plan, capacity: capacity) }

    init(_ model: Model, capacity: Int) throws(OrepaError) {
        guard 1...Int(Int32.max) ~= capacity else {
            throw OrepaError(
                .invalidArgument,
                "capacity: expected 1 to \(Int32.max) pictures, found \(capacity)")
        }
        self.model = model
        self.capacity = capacity
        states = try PlaceStates(count: capacity)
        do throws(PlanError) { input = try PlanInput(model.plan, capacity: capacity) } catch {
            throw OrepaError(error, path: model.path)
        }
    }

    /// Decodes, turns, resizes, crops and normalises a picture, on the calling thread, as the model's options say, straight
    /// to where the network reads it.
    ///
    /// - Parameters:
    ///   - picture: Borrowed until the call returns. Its own limits hold too.
    ///   - place: 0 to ``capacity`` - 1. What was there is gone, also after an error.
    ///   - limits: When to end early.
    /// - Returns: What its file says beside the pixels.
    /// - Throws: ``OrepaError`` of any code that has to do with pictures, arguments, limits and memory.
    @discardableResult
    public func prepare(
        _ picture: Picture, at place: Int, limits: CallLimits = CallLimits()
    ) throws(OrepaError) -> PreparedPicture {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        try OrepaError.check(count: 0, size: 0)
        guard 0..<capacity ~= place else { throw error(place) }
        if let found = states.beginPreparing(place) {
            throw PreparedBatch.error(place, expected: "a place that no call uses", found)
        }
        var file: PreparedPicture?
        defer { states.endPreparing(place, file) }
        let prepared = try model.preparation.prepare(
            picture, into: input, at: place, name: picture.name(place: place), callLimits: limits)
        file = prepared
        return prepared
    }

    /// Runs the network on pictures that have been prepared. They stay, and may be run again.
    ///
    /// - Parameters:
    ///   - places: Which; their answers come in this order. ``Model/picturesTogether`` of them take the least time each.
    ///   - outputs: What to give beside the logits.
    ///   - limits: When to end early.
    /// - Throws: ``OrepaError`` with ``OrepaError/Code/invalidArgument`` for an unknown stage, or a place that holds no
    ///   prepared picture or that another call is using; ``OrepaError/Code/outOfMemory``, ``OrepaError/Code/cancelled``,
    ///   ``OrepaError/Code/deadlineExceeded``.
    public func run(
        places: Range<Int>, outputs: Outputs = .logits, limits: CallLimits = CallLimits()
    ) throws(OrepaError) -> [Answer] {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        try check(places)
        try OrepaError.check(count: places.count, size: Model.memoryPerPicture)
        let wanted = try WantedMaps(outputs, of: model)
        try wanted.check(pictureCount: places.count, of: model)
        try begin(places)
        defer { states.endRunning(places) }
        try limits.check()
        guard !places.isEmpty else { return [] }
        return try model.withContext(count: places.count) { (context) throws(OrepaError) in
            try model.answers(
                input, places, in: context.network, wanted: wanted, limits: limits,
                warnings: { states.file($0).warnings })
        }
    }

    /// The same into memory of the caller's, the logits alone. Allocates nothing once the model has a context.
    ///
    /// - Parameters:
    ///   - places: Which pictures.
    ///   - logits: `[places, classes]`, Float32, row-major; initialised or not. What is in it after an error has no meaning.
    ///   - limits: When to end early.
    /// - Throws: As ``run(places:outputs:limits:)``; ``OrepaError/Code/invalidArgument`` also for another number of logits.
    public func run(
        places: Range<Int>, logits: UnsafeMutableBufferPointer<Float>,
        limits: CallLimits = CallLimits()
    ) throws(OrepaError) {
        let arithmetic = StandardArithmetic()
        defer { arithmetic.end() }
        try check(places)
        try model.check(
            "logits", logits.count, "[\(places.count), classes]", places.count, model.classCount)
        try begin(places)
        defer { states.endRunning(places) }
        guard !places.isEmpty else { return }
        try model.withContext(count: places.count) { (context) throws(OrepaError) in
            do throws(PlanError) {
                try context.network.run(input, places: places, logits: logits, limits: limits)
            } catch { throw OrepaError(error, path: model.path) }
        }
    }

    private func check(_ places: Range<Int>) throws(OrepaError) {
        guard places.lowerBound >= 0, places.upperBound <= capacity else {
            throw error(places.lowerBound < 0 ? places.lowerBound : places.upperBound - 1)
        }
    }

    private func error(_ place: Int) -> OrepaError {
        OrepaError(.invalidArgument, "place: expected 0 to \(capacity - 1), found \(place)")
    }

    /// Takes places to run them.
    private func begin(_ places: Range<Int>) throws(OrepaError) {
        if let (place, found) = states.beginRunning(places) {
            throw PreparedBatch.error(place, expected: "a prepared picture", found)
        }
    }

    private static func error(
        _ place: Int, expected: String, _ found: PlaceStates.State
    ) -> OrepaError {
        OrepaError(
            .invalidArgument, "place \(place): expected \(expected), found \(found.description)")
    }
}
