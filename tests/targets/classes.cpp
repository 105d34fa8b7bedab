// Classes with bases, methods, references and values that are handed over by address.
#include <cstdio>
#include <string>

namespace zoo {

struct Animal {
    int legs;
    virtual int speak(int times);
    virtual ~Animal() = default;
};

class Dog : public Animal {
public:
    int speak(int times) override;
    std::string name;
    static int count;
    struct Tail { short length; } tail;
};

int Dog::count;

__attribute__((noinline)) int Animal::speak(int times) { return times; }
__attribute__((noinline)) int Dog::speak(int times) { std::printf("%s %d\n", name.c_str(), times); return times * legs; }

__attribute__((noinline)) std::string greet(const Dog &dog, std::string word, int &count)
{
    std::printf("%s %s\n", word.c_str(), dog.name.c_str());
    count++;
    return word + dog.name;
}

}

int main()
{
    zoo::Dog dog;
    dog.legs = 4;
    dog.name = "Rex";
    dog.tail.length = 12;
    int count = 7;
    std::string greeting = zoo::greet(dog, "hello", count);
    return static_cast<zoo::Animal &>(dog).speak(3) == 12 && greeting.size() == 8 ? 0 : 1;
}
