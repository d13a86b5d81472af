/// How many there are of something: 0 to 2^53, which every reader of JSON keeps exactly.
@propertyWrapper
public struct Count: BoundedNumber {
    public static let range = 0...(1 << 53)
    public static let noun = "a count"

    private var number: Int

    public init(wrappedValue: Int) { number = Self.clamped(wrappedValue) }

    public var wrappedValue: Int {
        get { number }
        set { number = Self.clamped(newValue) }
    }
}

/// A span of whole seconds: 0 to a hundred years, so that it can be added to any clock.
@propertyWrapper
public struct Seconds: BoundedNumber {
    public static let range = 0...(100 * 365 * 86_400)
    public static let noun = "seconds"

    private var number: Int

    public init(wrappedValue: Int) { number = Self.clamped(wrappedValue) }

    public var wrappedValue: Int {
        get { number }
        set { number = Self.clamped(newValue) }
    }

    public var duration: Duration { .seconds(number) }
}
