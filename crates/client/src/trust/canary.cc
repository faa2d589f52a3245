# 1 "canary.cc"
extern "C" void take(const char *, ...);
namespace birds {
template <typename T, int N> class Flock {
    T birds_[N];
    int count_;
public:
    Flock() : birds_(), count_(0) {}
    bool add(const T &bird) { if (count_ >= N) throw count_; birds_[count_++] = bird; return true; }
    template <typename F> T fold(T start, F f) const
    {
        for (int i = 0; i < count_; i++)
            start = f(start, birds_[i]);
        return start;
    }
};
struct Bird {
    virtual ~Bird();
    virtual int sing(int volume) const = 0;
};
struct Canary : Bird {
    explicit Canary(double pitch) : pitch_(pitch) {}
    int sing(int volume) const { return static_cast<int>(pitch_ * volume); }
    double pitch_;
};
Bird::~Bird() { take("gone"); }
struct Add { template <typename T> T operator()(T a, T b) const { return a + b; } };
template <int N> struct Power { static const long value = 3 * Power<N - 1>::value; };
template <> struct Power<0> { static const long value = 1; };
inline const Bird &shared() { static Canary one(1.5); return one; }
int listen(Bird *bird, int volume)
{
    try {
        Flock<int, 4> flock;
        for (int i = 0; i < volume; i++)
            flock.add(bird->sing(i));
        return flock.fold(0, Add());
    } catch (int count) {
        take("full %d", count);
        return shared().sing(count) + static_cast<int>(Power<9>::value % 1000);
    }
}
double tune(const double *notes, unsigned count)
{
    Flock<double, 8> flock;
    for (unsigned i = 0; i < count && i < 8; i++)
        flock.add(notes[i] * notes[i]);
    Bird *own = new Canary(notes[0]);
    double result = flock.fold(own->sing(3), Add());
    delete own;
    return result;
}
}
