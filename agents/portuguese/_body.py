"""The shape of the car."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory.agents.portuguese._changes import added, dropped, replaced
from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._stance import decided, stances
from agent_memory.lead import BodyType
from agent_memory.profile import Change

_BODIES = Lexicon(
    {
        BodyType.HATCH: 'hatch | compacto hatch | hot hatch',
        BodyType.SEDAN: 'sedan | sedanzinho | sedazinho | sedanzao | saloon',
        BodyType.SUV: 'suv | utilitario esportivo | jipe | jipinho | jipao | crossover | jeepinho | s u v | suvzinho '
        '| suvzao | utilitarios esportivos',
        BodyType.PICKUP: 'picape | pick up | picapinha | picapona | picapezinha | caminhonete | cabine dupla | '
        'cabine simples | pickup truck | truck | camionetinha',
        BodyType.MINIVAN: 'minivan | mini van | minivans | monovolume | mpv',
        BodyType.WAGON: 'perua | peruas | peruinha | station wagon | station | wagon | caravan',
        BodyType.VAN: 'van | vans | furgao | furgoes | furgaozinho',
        BodyType.COUPE: 'cupe | coupe | cupes',
        BodyType.CONVERTIBLE: 'conversivel | conversiveis | cabriolet | convertible | cabrio | descapotavel',
    }
)
_ANY_BODY = Lexicon(
    {
        True: 'qualquer tipo/carroceria/modelo/formato | tanto faz .. tipo/carroceria/modelo/formato | tipo tanto '
        'faz | '
        'carroceria tanto faz | tipo .. indiferente'
    }
)
_BETTER = Lexicon({True: 'fica/ficaria/e/seria melhor | melhor .. ne/mesmo/entao/,'})
"""Beside a shape puts it in the place of the one that was agreed on: "melhor hatch né"."""
_ANY = Lexicon(
    {
        True: 'tanto faz | qualquer um | qualquer | sem preferencia | nao tenho preferencia | indiferente | whatever '
        '| any'
    }
)


def extract_body(scene: Scene) -> list[Change]:
    """Return the changes of `body_types`."""
    hits = scene.last_said(_BODIES.find(scene.words))
    said = zip(hits, stances(scene.words, [(hit.start, hit.end) for hit in hits]), strict=True)
    # "troca o sedan por um suv" swaps wishes.
    held = decided(['remove' if one == 'own' and hit.value in scene.profile.body_types else one for hit, one in said])
    wanted = [
        hit.value.value for hit, stance in zip(hits, held, strict=True) if stance in ('want', 'only', 'want_back')
    ]
    gone = [hit.value.value for hit, stance in zip(hits, held, strict=True) if stance in ('refuse', 'remove')]
    wanted = [body for body in wanted if body not in gone or _wanted_last(hits, held, body)]
    better = bool(hits) and bool(_BETTER.find(scene.words[max(0, hits[0].start - 1) : hits[0].end + 3]))
    if wanted and ('only' in held or (scene.profile.body_types and (better or scene.replaces(hits[0].start)))):
        return replaced('body_types', wanted)
    changes = dropped(scene.profile, 'body_types', [body for body in gone if body not in wanted])
    if not hits and (_ANY_BODY.within(scene.words) or (scene.asks('body') and _ANY.within(scene.words[:6]))):
        changes = dropped(scene.profile, 'body_types')
    return [*changes, *added('body_types', wanted)]


def _wanted_last(hits: list[Hit[BodyType]], held: Sequence[str], body: str) -> bool:
    last = [stance for hit, stance in zip(hits, held, strict=True) if hit.value.value == body][-1]
    return last not in ('refuse', 'remove')
