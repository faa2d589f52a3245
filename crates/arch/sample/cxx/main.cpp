// Prints what the parts compute; the answers are known beforehand.
#include <exception>
#include <iostream>

#include "parts.hpp"

namespace {

std::string factorial(unsigned n)
{
    Natural result(1);
    for (unsigned factor = 2; factor <= n; ++factor)
        result *= factor;
    return result.decimal();
}

Roads some_roads()
{
    Roads roads;
    roads["Arras"] = {{"Lens", 18}, {"Douai", 26}};
    roads["Lens"] = {{"Lille", 39}, {"Douai", 23}};
    roads["Douai"] = {{"Lille", 34}};
    return roads;
}

} // namespace

int main()
{
    try {
        const std::vector<std::string> orders = anagrams("distcc");
        std::cout << table({
            {"factorial of 30", factorial(30)},
            {"shortest way", std::to_string(shortest_way(some_roads(), "Arras", "Lille"))},
            {"2 * (3 + 4) - 9 / 3", std::to_string(evaluate("2 * (3 + 4) - 9 / 3"))},
            {"orders of \"distcc\"", std::to_string(orders.size()) + ", the last " + orders.back()},
        });
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}
