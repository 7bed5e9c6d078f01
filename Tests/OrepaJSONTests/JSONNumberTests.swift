import Foundation
import OrepaJSON
import TestSupport
import Testing

/// Numbers keep every bit, and what does not fit is nil.
@Suite struct JSONNumberTests {
    static func number(_ text: String) throws -> JSONNumber {
        guard case .number(let number) = try JSONValue(parsing: text) else {
            throw JSONError(offset: 0, expected: "a number", found: text)
        }
        return number
    }

    @Test(arguments: [
        ("0", 0), ("-0", 0), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
        ("9223372036854775808", nil), ("-9223372036854775809", nil),
        ("99999999999999999999999", nil), ("1.0", 1), ("-1.00", -1), ("1e2", 100), ("1E+2", 100),
        ("10e-1", 1), ("12.5e1", 125), ("-0.0", 0), ("1.5", nil), ("1e-2", nil), ("1e19", nil),
        ("1e400", nil), ("9007199254740992.0", 1 << 53), ("9007199254740993.0", 1 << 53),
        ("9007199254740994.0", nil),
    ])
    func integers(text: String, expected: Int?) throws {
        #expect(try JSONNumberTests.number(text).integer(Int.self) == expected)
    }

    @Test func unsignedIntegers() throws {
        func read(_ text: String) throws -> UInt64? {
            try JSONNumberTests.number(text).integer(UInt64.self)
        }
        #expect(try read("18446744073709551615") == .max)
        #expect(try read("18446744073709551616") == nil)
        #expect(try read("-1") == nil)
        #expect(try read("-1.0") == nil)
        #expect(try read("1e3") == 1000)
        #expect(try JSONNumberTests.number("200").integer(Int8.self) == nil)
        #expect(try JSONNumberTests.number("2e2").integer(Int8.self) == nil)
    }

    @Test(arguments: [
        ("0", 0), ("-0", -0.0), ("-0.0", -0.0), ("1", 1), ("1e400", nil), ("-1e400", nil),
        ("1.7976931348623157e308", Double.greatestFiniteMagnitude),
        ("1.7976931348623159e308", nil), ("5e-324", .leastNonzeroMagnitude),
        ("2e-324", 0), ("1e-400", 0), ("-1e-400", -0.0),
        ("2.2250738585072011e-308", Double.leastNormalMagnitude.nextDown),
        ("2.2250738585072014e-308", .leastNormalMagnitude),
        ("0.10000000000000001", 0.1), ("9007199254740993", 9_007_199_254_740_992),
        ("0.1000000000000000055511151231257827021181583404541015625", 0.1),
    ])
    func doubles(text: String, expected: Double?) throws {
        let found = try JSONNumberTests.number(text).floatingPoint(Double.self)
        #expect(found?.bitPattern == expected?.bitPattern)
    }

    /// Rounded once, and not to Float64 first: the first three lie a little beyond the middle of two numbers.
    @Test(arguments: [
        ("1.00000005960464484", Float(1).nextUp), ("1.00000017881393421", 0x1.000002p0),
        ("1.000000059604644775390626", Float(1).nextUp), ("1.000000059604644775390625", 1),
        ("3.4028234663852886e38", .greatestFiniteMagnitude), ("3.4028236e38", nil),
        ("1e99", nil), ("1e-45", .leastNonzeroMagnitude), ("7e-46", 0), ("-1e-99", -0.0),
        ("1.1754943e-38", .leastNormalMagnitude), ("16777217", 16_777_216),
    ])
    func floats(text: String, expected: Float?) throws {
        let found = try JSONNumberTests.number(text).floatingPoint(Float.self)
        #expect(found?.bitPattern == expected?.bitPattern)
    }

    @Test func longNumbers() throws {
        let million = String(repeating: "1", count: 1_000_000)
        #expect(try JSONNumberTests.number(million).integer(Int.self) == nil)
        #expect(try JSONNumberTests.number(million).floatingPoint(Double.self) == nil)
        #expect(
            try JSONNumberTests.number("0." + million).floatingPoint(Double.self)
                == 0.1111111111111111)
        #expect(
            try JSONNumberTests.number("1e" + million).floatingPoint(Double.self) == nil)
        #expect(try JSONNumberTests.number("1e-" + million).floatingPoint(Float.self) == 0)
    }

    @Test func whatJSONCannotHoldIsNull() {
        let values: [JSONValue] = [
            .double(.nan), .double(-.infinity), .float(.infinity), .float(.nan), .optional(nil),
        ]
        #expect(JSONValue.array(values).text(.compact) == "[null,null,null,null,null]")
    }

    /// Random bits are written as Foundation writes them, and come back.
    @Test func everyBitIsKept() throws {
        var random = SeededRandom(3)
        var doubles: [Double] = [
            0, -0.0, 1, 0.5, 1e-6, 1e16, 123_456_789, .pi, .leastNonzeroMagnitude,
        ]
        var floats: [Float] = [
            0, -0.0, 1, 0.5, 1e-6, 1e16, 123_456_792, .pi, .leastNonzeroMagnitude,
        ]
        var integers: [Int64] = [0, .min, .max]
        var unsigned: [UInt64] = [0, .max]
        while doubles.count < 20_000 {
            let bits = random.next()
            let double = Double(bitPattern: bits)
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            if double.isFinite { doubles.append(double) }
            if float.isFinite { floats.append(float) }
            integers.append(Int64(bitPattern: bits >> (bits & 63)))
            unsigned.append(bits)
        }
        let encoder = JSONEncoder()
        func check<Value: Encodable>(
            _ values: [Value], _ write: (Value) -> JSONValue, _ read: (JSONNumber) -> Value?,
            isSame: (Value, Value) -> Bool
        ) throws {
            let array = JSONValue.array(values.map(write))
            let text = array.text(.compact)
            #expect(text == String(decoding: try encoder.encode(values), as: UTF8.self))
            for layout in [JSONLayout.compact, .spaced] {
                guard case .array(let found) = try JSONValue(parsing: array.text(layout)) else {
                    Issue.record("no array")
                    return
                }
                #expect(found.count == values.count)
                for (value, found) in zip(values, found) {
                    guard case .number(let number) = found, let back = read(number) else {
                        Issue.record("\(value) came back as \(found)")
                        continue
                    }
                    if !isSame(back, value) { Issue.record("\(value) came back as \(back)") }
                }
            }
        }
        try check(
            doubles, JSONValue.double, { $0.floatingPoint(Double.self) },
            isSame: { $0.bitPattern == $1.bitPattern })
        try check(
            floats, JSONValue.float, { $0.floatingPoint(Float.self) },
            isSame: { $0.bitPattern == $1.bitPattern })
        try check(integers, JSONValue.integer, { $0.integer(Int64.self) }, isSame: ==)
        try check(unsigned, JSONValue.integer, { $0.integer(UInt64.self) }, isSame: ==)
    }

    /// Random numerals, many of them long or at a limit, mean what they mean to Foundation.
    @Test func agreesWithFoundationOnNumerals() throws {
        func digits(_ count: Int) -> String {
            String((0..<count).map { _ in "0123456789".randomElement(using: &random)! })
        }
        var random = SeededRandom(4)
        let decoder = JSONDecoder()
        for _ in 0..<20_000 {
            var text = Bool.random(using: &random) ? "-" : ""
            let whole = digits(Int.random(in: 1...20, using: &random)).drop { $0 == "0" }
            text += whole.isEmpty ? "0" : whole
            if Bool.random(using: &random) {
                text += "." + digits(Int.random(in: 1...25, using: &random))
            }
            if Bool.random(using: &random) {
                text += ["e", "E"].randomElement(using: &random)!
                text += ["", "+", "-"].randomElement(using: &random)!
                let largest = [3, 30, 330].randomElement(using: &random)!
                text += "\(Int.random(in: 0...largest, using: &random))"
            }
            let number = try JSONNumberTests.number(text)
            let json = Data("[\(text)]".utf8)
            // Foundation refuses what rounds to 0; here that is the nearest number.
            let float = try? decoder.decode([Float].self, from: json).first
            let foundFloat = number.floatingPoint(Float.self)
            if foundFloat?.bitPattern != float?.bitPattern, foundFloat != 0 || float != nil {
                Issue.record("Float \(text): \(String(describing: float))")
            }
            let double = try? decoder.decode([Double].self, from: json).first
            let foundDouble = number.floatingPoint(Double.self)
            if foundDouble?.bitPattern != double?.bitPattern, foundDouble != 0 || double != nil {
                Issue.record("Double \(text): \(String(describing: double))")
            }
            // Foundation takes integers with an exponent beyond 2^53 too, not all of them right.
            let integer = try? decoder.decode([Int].self, from: json).first
            let foundInteger = number.integer(Int.self)
            if foundInteger != integer, foundInteger != nil || (integer ?? 0).magnitude <= 1 << 53 {
                Issue.record("Int \(text): \(String(describing: integer))")
            }
        }
    }
}
