import Glibc
import Orepa
import TestSupport
import Testing

@Suite struct ExponentialTests {
    /// Arguments and the nearest doubles to their exponentials, from Python's `decimal` with 60 digits.
    static let exact: [(Double, Double)] = [
        (0.0, 1.0), (-0.0, 1.0), (1.0, 2.718281828459045), (-1.0, 0.36787944117144233),
        (0.5, 1.6487212707001282), (-0.34657359027997264, 0.7071067811865476),
        (0.34657359027997264, 1.414213562373095), (-0.3465735902799727, 0.7071067811865475),
        (1e-300, 1.0), (-1e-17, 1.0), (-1e-09, 0.999999999), (-0.1, 0.9048374180359595),
        (-0.7, 0.4965853037914095), (-2.0, 0.1353352832366127), (-10.0, 4.5399929762484854e-05),
        (-37.4, 5.719872877313073e-17), (-100.0, 3.720075976020836e-44),
        (-500.0, 7.124576406741286e-218), (-700.0, 9.85967654375977e-305),
        (-708.3964185322641, 2.2250738585072626e-308), (88.0, 1.6516362549940018e+38),
        (700.0, 1.0142320547350045e+304), (709.0, 8.218407461554972e+307),
        (709.782712893384, 1.7976931348622732e+308),
        (-51.938145353255926, 2.7768349880161755e-23), (-9.153975783766043, 0.00010579833416820707),
        (-14.173522861403157, 6.990644740565834e-07), (-44.6958584556347, 3.880032012502867e-20),
        (-30.273894774483544, 7.115649599918905e-14), (-33.03053611267571, 4.5187720303609255e-15),
        (-20.904421636634225, 8.343053640542288e-10), (-12.676598931869208, 3.1233671233378983e-06),
        (-54.368424793545906, 2.4439545346953988e-24), (-58.29915140867962, 4.7973371768885167e-26),
        (-0.1642348960801303, 0.8485426791195583), (-0.5672329320949466, 0.5670924530081121),
        (-0.237719917542058, 0.7884234837594813), (-0.9978939466488893, 0.36865503133177935),
        (-0.5546128059451986, 0.5742945816007896), (-0.27845996765921743, 0.7569485695664674),
    ]

    @Test func isWithinOneUnitInTheLastPlace() {
        for (x, expected) in ExponentialTests.exact {
            #expect(abs(exponential(x) - expected) <= expected.ulp, "\(x)")
        }
    }

    /// Between the exact values: the C library's, which errs by less than one unit too.
    @Test func followsTheCLibrary() {
        var random = SeededRandom(31)
        for _ in 0..<100_000 {
            let x = Double.random(in: -708...709, using: &random)
            let expected = exp(x)
            #expect(abs(exponential(x) - expected) <= 2 * expected.ulp, "\(x)")
        }
    }

    @Test func subnormalResultsAreWithinTwoQuanta() {
        // In units of the smallest number, which are also the bits.
        for (x, quanta) in [
            (-708.4, 4_487_498_979_794_825), (-720.0, 41_132_809_365), (-740.0, 85), (-744.0, 2),
            (-745.1, 1), (-745.13, 1),
        ] as [(Double, Int64)] {
            let found = Int64(bitPattern: exponential(x).bitPattern)
            #expect(abs(found - quanta) <= 2, "\(x)")
        }
    }

    @Test func extremes() {
        #expect(exponential(.nan).isNaN)
        #expect(exponential(.infinity) == .infinity)
        #expect(exponential(-.infinity) == 0)
        #expect(exponential(.greatestFiniteMagnitude) == .infinity)
        #expect(exponential(-.greatestFiniteMagnitude) == 0)
        #expect(exponential(709.79) == .infinity)
        #expect(exponential(-745.2) == 0)
    }

    @Test func softmaxOfUnusualLogits() {
        #expect(Scores(logits: []).probabilities == [])
        #expect(
            Scores(logits: [Float](repeating: 3e38, count: 8)).probabilities.allSatisfy {
                $0 == 0.125
            })
        #expect(Scores(logits: [3e38, -3e38]).probabilities == [1, 0])
        #expect(Scores(logits: [-.infinity, 2, 2]).probabilities == [0, 0.5, 0.5])
        for logits: [Float] in [
            [1, .nan, 2], [.nan, 1], [2, 1, .nan], [.infinity, 1], [-.infinity, -.infinity],
        ] {
            #expect(Scores(logits: logits).probabilities.allSatisfy { $0.isNaN })
            #expect(!Scores(logits: logits).areFinite)
        }
    }

    /// Of a single logit the sigmoid, over all magnitudes and without a jump at 0.
    @Test func sigmoidOfASingleLogit() {
        for logit in [-745, -100, -20, -3.5, -1e-3, 0, 1e-30, 0.25, 2, 17, 88, 745] as [Float] {
            let found = Scores(logits: [logit]).probabilities
            let expected = 1 / (1 + exp(-Double(logit)))
            #expect(found.count == 1)
            // Half the distance of neighbours, also where they are subnormal.
            #expect(abs(Double(found[0]) - expected) <= max(6e-8 * expected, 0x1p-150))
        }
        #expect(Scores(logits: [0]).probabilities == [0.5])
        #expect(Scores(logits: [-0.0]).probabilities == [0.5])
        #expect(Scores(logits: [.infinity]).probabilities == [1])
        #expect(Scores(logits: [-.infinity]).probabilities == [0])
        #expect(Scores(logits: [.nan]).probabilities[0].isNaN)
        #expect(Scores(logits: [-2]).top(5, labels: ["cat"])[0].probability < 0.12)
    }
}
