import ArgumentParser
import OrepaSystem

extension RawPath: ExpressibleByArgument {
    /// The path that an argument is; see ``ArgumentText``.
    public init?(argument: String) { self.init(bytes: ArgumentText.bytes(argument)) }
}
