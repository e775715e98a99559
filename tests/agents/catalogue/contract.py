"""What every `CarCatalogue` must do, written once."""

from __future__ import annotations

from agent_memory import UserProfileData
from agent_memory.catalogue import MAX_RECOMMENDATIONS, CarCatalogue
from agent_memory.lead import BodyType, MainUse, Priority


class CatalogueContract:
    """Inherit it and give a fixture `catalogue` over the demo stock."""

    async def test_a_search_returns_at_most_five_cars_best_first(self, catalogue: CarCatalogue) -> None:
        found = await catalogue.search(UserProfileData(), limit=50)

        assert len(found.matches) == MAX_RECOMMENDATIONS
        assert found.total > 80

    async def test_every_car_meets_what_the_person_named_and_says_why(self, catalogue: CarCatalogue) -> None:
        profile = UserProfileData(
            budget_max=90_000,
            main_use=MainUse.FAMILY,
            body_types=[BodyType.SUV, BodyType.SEDAN],
            excluded_brands=['Renault'],
            priorities=[Priority.SAFETY, Priority.AUTOMATIC],
        )

        found = await catalogue.search(profile)

        assert found.matches
        assert found.relax == ()
        scores = [match.score for match in found.matches]
        assert scores == sorted(scores, reverse=True)
        for match in found.matches:
            reasons = {(reason.field, reason.value) for reason in match.reasons}
            assert match.car.price <= 90_000
            assert match.car.brand != 'Renault'
            assert ('body_types', match.car.body) in reasons
            assert ('budget_max', match.car.price) in reasons
            assert (('priorities', 'automatic') in reasons) == (match.car.gearbox == 'automatic')
            assert all(getattr(profile, reason.field) for reason in match.reasons)

    async def test_case_and_accents_of_a_brand_do_not_matter(self, catalogue: CarCatalogue) -> None:
        found = await catalogue.search(UserProfileData(brands=['CITROEN']))

        assert {match.car.brand for match in found.matches} == {'Citroën'}

    async def test_when_nothing_fits_it_says_what_to_relax_and_how_many_that_opens(
        self, catalogue: CarCatalogue
    ) -> None:
        profile = UserProfileData(budget_max=30_000, body_types=[BodyType.PICKUP])

        found = await catalogue.search(profile)

        assert (found.matches, found.total) == ((), 0)
        pickups = await catalogue.search(UserProfileData(body_types=[BodyType.PICKUP]))
        within = await catalogue.search(UserProfileData(budget_max=30_000))
        opened = {relaxation.fields: relaxation for relaxation in found.relax}
        assert opened['budget_max',].count == pickups.total
        assert opened['budget_max',].cheapest > 30_000
        assert opened['body_types',].count == within.total

    async def test_two_wishes_are_relaxed_together_when_one_is_not_enough(self, catalogue: CarCatalogue) -> None:
        profile = UserProfileData(budget_max=15_000, brands=['BMW'], body_types=[BodyType.VAN])

        found = await catalogue.search(profile)

        assert {relaxation.fields for relaxation in found.relax} == {
            ('budget_max', 'brands'),
            ('budget_max', 'body_types'),
        }

    async def test_details_are_those_of_the_search(self, catalogue: CarCatalogue) -> None:
        match = (await catalogue.search(UserProfileData())).matches[0]

        details = await catalogue.details(match.car.id)

        assert details is not None
        assert details.car == match.car

    async def test_a_car_that_does_not_exist_is_none(self, catalogue: CarCatalogue) -> None:
        assert await catalogue.details('no such car') is None

    async def test_a_comparison_keeps_the_order_asked_and_names_the_best(self, catalogue: CarCatalogue) -> None:
        profile = UserProfileData(brands=['Toyota'])
        found = await catalogue.search(profile)
        ids = tuple(match.car.id for match in found.matches[:3])[::-1]

        comparison = await catalogue.compare(ids, profile)

        assert tuple(match.car.id for match in comparison.matches) == ids
        cheapest = min(comparison.matches, key=lambda match: match.car.price)
        assert comparison.best['price'] == cheapest.car.id
