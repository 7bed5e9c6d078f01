import CLinuxThreads

/// The arithmetic that IEEE 754 prescribes, on the calling thread, until ``end()``: rounding to nearest, denormal numbers
/// as they are, no traps. The thread's own settings are as before then, flags included. Costs some nanoseconds.
///
/// Whatever a host may call and computes with floating-point numbers, or reads or prints some, does so within this. For
/// initialisers; others use ``withStandardArithmetic(_:)``.
package struct StandardArithmetic: ~Copyable {
    private let found: orepa_arithmetic

    @inline(never)
    package init() { found = orepa_set_standard_arithmetic() }

    @inline(never)
    package func end() { orepa_restore_arithmetic(found) }
}

/// Calls `body` with ``StandardArithmetic``.
@inlinable
package func withStandardArithmetic<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    let arithmetic = orepa_set_standard_arithmetic()
    defer { orepa_restore_arithmetic(arithmetic) }
    return try body()
}
