// What the parts of the C++ sample offer to main.cpp.
#ifndef PARTS_HPP
#define PARTS_HPP

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

// A natural number of any size.
class Natural {
public:
    explicit Natural(unsigned value);
    Natural &operator*=(unsigned factor);
    std::string decimal() const;

private:
    std::vector<unsigned> limbs_; // nine decimal digits each, lowest first
};

// Roads between towns, with their lengths.
using Roads = std::map<std::string, std::vector<std::pair<std::string, unsigned>>>;

// The length of the shortest way; throws std::out_of_range when there is none.
unsigned shortest_way(const Roads &roads, const std::string &from, const std::string &to);

// The value of a sum like "2 * (3 + 4)"; throws std::invalid_argument when it makes no sense.
long evaluate(const std::string &sum);

// All orders in which the letters can stand, sorted, each once.
std::vector<std::string> anagrams(std::string letters);

// Rows as a table whose columns are as wide as they need be.
std::string table(const std::vector<std::vector<std::string>> &rows);

#endif
